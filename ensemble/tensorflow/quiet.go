package tensorflow

import "C" // for quiet.c
