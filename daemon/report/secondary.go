package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"lungbox/ensemble"
)

// secondaryCaptureStorage is the class of the pictures (PS3.3 A.8.1).
const secondaryCaptureStorage = "1.2.840.10008.5.1.4.1.1.7"

// captured names the picture of a clip. Another score of a person's is another picture, for the
// score is written on it.
func (e Exam) captured(c Clip) string {
	said := ""
	if c.Human != nil {
		said = fmt.Sprint(c.Human.Score, c.Human.Discard)
	}
	return uid(e.ID, "capture", fmt.Sprint(c.Number), stamp(c.Started), fmt.Sprint(c.Score), said)
}

// Captures are the clips' best frames as Secondary Captures, each with a line below the picture:
// score, zone, and that it is no diagnosis.
func (e Exam) Captures() (out []File, err error) {
	for _, c := range e.Clips {
		if c.Picture == nil {
			continue
		}
		f, err := e.capture(c)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (e Exam) capture(c Clip) (File, error) {
	picture, err := captioned(c.Picture, e.caption(c))
	if err != nil {
		return File{}, err
	}
	d := e.base("US", "Best frames", 1)
	at := c.Started.Local()
	d.when(tag.SeriesDate, tag.SeriesTime, e.Started.Local())
	d.when(tag.ContentDate, tag.ContentTime, at)
	d.when(tag.AcquisitionDate, tag.AcquisitionTime, at)
	d.put(tag.InstanceNumber, fmt.Sprint(c.Number))
	d.put(tag.PatientOrientation)
	d.put(tag.ConversionType, "DV")
	d.put(tag.SecondaryCaptureDeviceManufacturer, "Lungbox")
	d.put(tag.ImageType, "DERIVED", "SECONDARY")
	d.put(tag.DerivationDescription, "Cropped to the ultrasound fan, masked outside of it; a line of text added below")
	d.put(tag.BodyPartExamined, "LUNG")
	if side := sideOf(e.Scheme, c.Zone); side != "" {
		d.put(tag.Laterality, side)
	}
	d.put(tag.ImageComments, e.mark()+" "+e.caption(c)[0])
	d.put(tag.BurnedInAnnotation, map[bool]string{true: "YES", false: "NO"}[c.Writing]) // what we write does not tell who the patient is
	d.put(tag.LossyImageCompression, "00")
	b := picture.Bounds()
	d.put(tag.SamplesPerPixel, 1)
	d.put(tag.PhotometricInterpretation, "MONOCHROME2")
	d.put(tag.Rows, b.Dy())
	d.put(tag.Columns, b.Dx())
	d.put(tag.BitsAllocated, 8)
	d.put(tag.BitsStored, 8)
	d.put(tag.HighBit, 7)
	d.put(tag.PixelRepresentation, 0)
	native := frame.NewNativeFrame[uint8](8, b.Dy(), b.Dx(), b.Dx()*b.Dy(), 1)
	copy(native.RawData, picture.Pix)
	d.put(tag.PixelData, dicom.PixelDataInfo{Frames: []*frame.Frame{{NativeData: native}}})
	return d.file(fmt.Sprintf("sc-%d.dcm", c.Number), secondaryCaptureStorage, e.captured(c))
}

// caption is what stands below a picture: what it shows, and what it is not.
func (e Exam) caption(c Clip) [2]string {
	e.Language = "" // as all in a DICOM file
	text := e.line(c)
	if e.Simulated {
		return [2]string{text, "SIMULATED or demo release. Not a diagnosis."}
	}
	return [2]string{text, "AI score, not a diagnosis."}
}

// line says what a clip shows.
func (e Exam) line(c Clip) string {
	switch {
	case c.Discarded():
		return e.say("%s zone %s, clip %d: does not count (AI %s)", e.Scheme, c.Zone, c.Number, e.said(c.Score))
	case c.Human != nil:
		return e.say("%s zone %s, clip %d: score %s by a person (AI %s)", e.Scheme, c.Zone, c.Number, e.said(c.Human.Score), e.said(c.Score))
	}
	return e.say("%s zone %s, clip %d: AI score %s", e.Scheme, c.Zone, c.Number, e.said(c.Score))
}

func (e Exam) said(s ensemble.Score) string {
	if s == ensemble.None {
		return e.say("none")
	}
	return said(s)
}

func said(s ensemble.Score) string {
	if s == ensemble.None {
		return "none"
	}
	return fmt.Sprint(int(s))
}

// captioned adds lines of text below a picture.
func captioned(picture *image.Gray, lines [2]string) (*image.Gray, error) {
	type drawn struct {
		face font.Face
		text string
	}
	b := picture.Bounds()
	width := max(b.Dx(), 320)
	parsed, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, err
	}
	var all []drawn
	height := 0
	for _, text := range lines {
		size := float64(width) / 22
		for { // until it fits
			face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
			if err != nil {
				return nil, err
			}
			if font.MeasureString(face, text).Ceil() <= width-8 || size < 6 {
				all = append(all, drawn{face, text})
				height += face.Metrics().Height.Ceil() + 2
				break
			}
			size *= 0.95
		}
	}
	out := image.NewGray(image.Rect(0, 0, width, b.Dy()+height+6))
	at := image.Pt((width-b.Dx())/2, 0)
	draw.Draw(out, image.Rectangle{Min: at, Max: at.Add(b.Size())}, picture, b.Min, draw.Src)
	y := b.Dy() + 2
	for _, l := range all {
		m := l.face.Metrics()
		(&font.Drawer{Dst: out, Src: image.NewUniform(color.White), Face: l.face, Dot: fixed.P(4, y+m.Ascent.Ceil())}).DrawString(l.text)
		y += m.Height.Ceil() + 2
	}
	return out, nil
}
