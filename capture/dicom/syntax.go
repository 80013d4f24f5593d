package dicom

import "fmt"

// Transfer syntaxes that are read without another program.
const (
	implicitLittleEndian = "1.2.840.10008.1.2"
	explicitLittleEndian = "1.2.840.10008.1.2.1"
	jpegBaseline         = "1.2.840.10008.1.2.4.50"
)

const explicitBigEndian = "1.2.840.10008.1.2.2"

// readable reports whether the file can be read as it is.
func (l *layout) readable() bool {
	return l.syntax == implicitLittleEndian || l.syntax == explicitLittleEndian || l.syntax == jpegBaseline
}

// transcoder is the program that makes a readable file of one that is not. It is
// called with args, the file and the new file.
type transcoder struct {
	name    string // of the transfer syntax
	program string // "" when there is none
	args    []string
	pkg     string // the Debian package of the program
}

func transcoderOf(syntax string) transcoder {
	jpeg := func(name string) transcoder {
		return transcoder{name, "dcmdjpeg", nil, "dcmtk"}
	}
	switch syntax {
	case "1.2.840.10008.1.2.4.51":
		return jpeg("JPEG extended")
	case "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55":
		return jpeg("JPEG progressive")
	case "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70":
		return jpeg("JPEG lossless")
	case "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81":
		return transcoder{"JPEG-LS", "dcmdjpls", nil, "dcmtk"}
	case "1.2.840.10008.1.2.5":
		return transcoder{"RLE", "dcmdrle", nil, "dcmtk"}
	case "1.2.840.10008.1.2.1.99":
		return transcoder{"deflated", "dcmconv", []string{"+te"}, "dcmtk"}
	case explicitBigEndian:
		return transcoder{"big endian", "dcmconv", []string{"+te"}, "dcmtk"}
	case "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93":
		return transcoder{"JPEG 2000", "gdcmconv", []string{"--raw"}, "libgdcm-tools"}
	case "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101":
		return transcoder{name: "MPEG-2"}
	case "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103", "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.105", "1.2.840.10008.1.2.4.106":
		return transcoder{name: "MPEG-4"}
	case "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108":
		return transcoder{name: "HEVC"}
	}
	return transcoder{name: "unknown"}
}

// describe says what cannot be read, and what to do.
func (t transcoder) describe(syntax string) string {
	if t.program == "" {
		return fmt.Sprintf("transfer syntax %s (%q) is not supported; export the clip as MP4 or uncompressed", t.name, syntax)
	}
	return fmt.Sprintf("transfer syntax %s (%s) needs the program %s; install the package %s (sudo apt-get install %s)",
		t.name, syntax, t.program, t.pkg, t.pkg)
}
