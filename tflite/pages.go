package tflite

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// dropPages gives back the memory that holds the model file: the engine has made
// its own arrangement of the weights, and should it read the file again the kernel
// brings the pages back. Only read-only mappings are touched; failure costs nothing
// but the memory.
func dropPages(path string) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// 7f3c00000000-7f3c08000000 r--p 00000000 fe:00 1234 /path
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[5] != path || !strings.HasPrefix(fields[1], "r-") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
	}
}
