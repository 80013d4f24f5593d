package storescp

import (
	"fmt"
	"strings"
)

const profileName = "Lungbox"

// syntaxes are the transfer syntaxes that capture/dicom reads, those that it reads best
// first: a sender that offers several is asked for the first.
var syntaxes = [...]string{
	"LocalEndianExplicit", "LittleEndianImplicit", "OppositeEndianExplicit", "JPEGBaseline",
	"JPEGLossless:Non-hierarchical-1stOrderPrediction", "JPEGExtended:Process2+4",
	"JPEGLSLossless", "JPEGLSLossy", "RLELossless", "JPEG2000LosslessOnly", "JPEG2000", "DeflatedLittleEndianExplicit",
}

// objects are the kinds of files that hold pictures of an ultrasound scanner (SOP classes
// of DICOM PS3.4, annex B.5), and the echo that senders try a connection with.
var objects = [...]string{
	"1.2.840.10008.1.1",                // verification
	"1.2.840.10008.5.1.4.1.1.6.1",      // ultrasound image
	"1.2.840.10008.5.1.4.1.1.6",        // the same, retired
	"1.2.840.10008.5.1.4.1.1.3.1",      // ultrasound multi-frame image
	"1.2.840.10008.5.1.4.1.1.3",        // the same, retired
	"1.2.840.10008.5.1.4.1.1.7",        // secondary capture
	"1.2.840.10008.5.1.4.1.1.7.2",      // its multi-frame kinds: grey
	"1.2.840.10008.5.1.4.1.1.7.4",      // and colour
	"1.2.840.10008.5.1.4.1.1.77.1.1",   // visible light endoscopy, in which some grabbers file
	"1.2.840.10008.5.1.4.1.1.77.1.4",   // photography, likewise
	"1.2.840.10008.5.1.4.1.1.77.1.4.1", // video photography, likewise
}

// profile is storescp's configuration file.
func profile() string {
	var b strings.Builder
	b.WriteString("[[TransferSyntaxes]]\n[All]\n")
	for i, s := range syntaxes {
		fmt.Fprintf(&b, "TransferSyntax%d = %s\n", i+1, s)
	}
	b.WriteString("[[PresentationContexts]]\n[All]\n")
	for i, o := range objects {
		fmt.Fprintf(&b, "PresentationContext%d = %s\\All\n", i+1, o)
	}
	fmt.Fprintf(&b, "[[Profiles]]\n[%s]\nPresentationContexts = All\n", profileName)
	return b.String()
}

// As a server of one connection storescp writes to no terminal, so it logs to a file.
const (
	logFile     = ".log"
	logVariable = "LUNGBOX_STORESCP_LOG"
	logging     = `log4cplus.rootLogger = WARN, file
log4cplus.appender.file = log4cplus::FileAppender
log4cplus.appender.file.File = ${` + logVariable + `}
log4cplus.appender.file.ImmediateFlush = true
log4cplus.appender.file.layout = log4cplus::PatternLayout
log4cplus.appender.file.layout.ConversionPattern = %m%n
`
)
