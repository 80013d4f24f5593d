// Package docs holds the guides, which the box's page shows as help.
package docs

import "embed"

// Files are the guides and their pictures.
//
//go:embed *.md *.png api/*.yaml
var Files embed.FS
