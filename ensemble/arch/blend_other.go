//go:build !amd64

package arch

func newBlender(width int) blender { return newPortableBlender(width) }
