package report

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/suyashkumar/dicom/pkg/tag"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"lungbox/daemon/exam"
	"lungbox/ensemble"
)

// encapsulatedPDFStorage is the class of the PDF in a DICOM file (PS3.3 A.45.1).
const encapsulatedPDFStorage = "1.2.840.10008.5.1.4.1.1.104.1"

// Measures of an A4 page, mm.
const (
	pageWidth = 210.0
	margin    = 15.0
	inner     = pageWidth - 2*margin
)

// Encapsulated is the PDF in a DICOM file.
func (e Exam) Encapsulated() (File, error) {
	content, err := e.PDF()
	if err != nil {
		return File{}, err
	}
	length := len(content)
	if length%2 == 1 {
		content = append(content, 0) // PS3.3 C.24.2
	}
	d := e.base("DOC", "Report", 3)
	d.put(tag.ConversionType, "WSD")
	d.put(tag.InstanceNumber, "1")
	d.when(tag.ContentDate, tag.ContentTime, e.over().Local())
	d.put(tag.AcquisitionDateTime, e.Started.Local().Format("20060102150405"))
	d.put(tag.BurnedInAnnotation, "YES") // the pseudonym
	d.put(tag.DocumentTitle, e.title("Lung ultrasound exam"))
	d.none(tag.ConceptNameCodeSequence)
	d.put(tag.MIMETypeOfEncapsulatedDocument, "application/pdf")
	d.put(tag.EncapsulatedDocument, content)
	return d.file("pdf.dcm", encapsulatedPDFStorage, uid(append([]string{e.ID, "pdf"}, e.told()...)...))
}

// PDF is the exam on paper. The same exam gives the same pages; the library puts the letters of
// the fonts that it embeds in any order, so the bytes may differ.
func (e Exam) PDF() ([]byte, error) {
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", ""), exam: e}
	s.SetCatalogSort(true)
	s.SetCreationDate(e.over().UTC())
	s.SetModificationDate(e.over().UTC())
	s.SetTitle("Lung ultrasound exam", true)
	s.SetCreator("Lungbox "+e.Version, true)
	s.AddUTF8FontFromBytes("go", "", goregular.TTF)
	s.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	s.SetMargins(margin, 22, margin)
	s.SetAutoPageBreak(true, 20)
	s.SetHeaderFunc(s.head)
	s.SetFooterFunc(s.foot)
	s.AliasNbPages("{pages}")
	s.AddPage()
	s.about()
	s.numbers()
	s.zones()
	s.said()
	if err := s.frames(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := s.Output(&out); err != nil {
		return nil, fmt.Errorf("PDF of exam %s: %w", e.ID, err)
	}
	return out.Bytes(), nil
}

// sheet is the PDF while it is drawn.
type sheet struct {
	*fpdf.Fpdf
	exam Exam
}

// head says on every page whether this may concern a patient at all.
func (s *sheet) head() {
	text := s.exam.say(NotADiagnosis)
	s.SetFillColor(0x22, 0x2b, 0x36)
	if s.exam.Simulated {
		text = s.exam.say(Simulated)
		s.SetFillColor(0x8a, 0x1c, 0x4a)
	}
	s.Rect(0, 0, pageWidth, 12, "F")
	s.SetTextColor(255, 255, 255)
	s.SetFont("go", "B", 11)
	s.SetXY(margin, 2)
	s.CellFormat(inner, 8, text, "", 0, "C", false, 0, "")
	s.SetTextColor(0, 0, 0)
	s.SetXY(margin, 18)
}

func (s *sheet) foot() {
	s.SetY(-15)
	s.SetFont("go", "", 8)
	s.SetTextColor(70, 70, 70)
	s.CellFormat(inner/2, 5, printable(s.exam.say("%s  exam %s", s.exam.patient(), s.exam.ID)), "", 0, "L", false, 0, "")
	s.CellFormat(inner/2, 5, s.exam.say("%s  page %d of {pages}", s.exam.say(short1), s.PageNo()), "", 0, "R", false, 0, "")
	s.SetTextColor(0, 0, 0)
}

// about says whose exam it is, and by what.
func (s *sheet) about() {
	e := s.exam
	s.SetFont("go", "B", 18)
	s.CellFormat(inner, 10, e.say("Lung ultrasound exam"), "", 1, "L", false, 0, "")
	ended := e.say("cut off")
	if !e.Ended.IsZero() {
		ended = e.Ended.Local().Format("15:04")
	}
	for _, row := range [][2]string{
		{e.say("Pseudonym"), e.patient()},
		{e.say("Exam"), e.say("%s to %s, %s", e.Started.Local().Format("2006-01-02 15:04"), ended, e.Started.Local().Format("MST"))},
		{e.say("Zones"), fmt.Sprintf("%s, %d", e.Scheme, len(e.Protocol.Zones))},
		{e.say("Box"), e.Device + ", lungbox " + e.Version},
		{e.say("Nets"), e.say("ResNet-50, VGG-19, GoogLeNet by vote; release %s", e.releases())},
	} {
		s.SetFont("go", "B", 10)
		s.CellFormat(28, 6, row[0], "", 0, "L", false, 0, "")
		s.SetFont("go", "", 10)
		s.CellFormat(inner-28, 6, printable(row[1]), "", 1, "L", false, 0, "")
	}
	s.Ln(3)
}

func (e Exam) releases() string {
	if len(e.Releases) == 0 {
		return e.say("unknown")
	}
	return strings.Join(e.Releases, ", ")
}

// numbers shows total and worst score, large.
func (s *sheet) numbers() {
	p := s.exam.Protocol
	most := (ensemble.Scores - 1) * len(p.Zones)
	sum, rest := fmt.Sprint(p.Total), s.exam.say("total of %d", most)
	switch {
	case p.Worst == ensemble.None:
		sum, rest = "–", s.exam.say("no zone has a score")
	case p.Missing > 0:
		rest = s.exam.say("INCOMPLETE: %d of %d zones missing", p.Missing, len(p.Zones))
	}
	y := s.GetY()
	for i, n := range [][2]string{{sum, rest}, {dash(p.Worst), s.exam.say("worst zone, 0 to 3")}} {
		x := margin + float64(i)*inner/2
		s.SetDrawColor(150, 150, 150)
		s.Rect(x, y, inner/2-2, 24, "D")
		s.SetXY(x, y+2)
		s.SetFont("go", "B", 30)
		s.CellFormat(inner/2-2, 13, n[0], "", 0, "C", false, 0, "")
		s.SetXY(x, y+15)
		s.SetFont("go", "", 10)
		s.CellFormat(inner/2-2, 7, n[1], "", 0, "C", false, 0, "")
	}
	s.SetXY(margin, y+28)
}

func dash(v ensemble.Score) string {
	if v == ensemble.None {
		return "–"
	}
	return fmt.Sprint(int(v))
}

// zones is a line for each zone; a missing one says so, and is never 0.
func (s *sheet) zones() {
	widths := []float64{30, 30, 30, inner - 90}
	s.SetFont("go", "B", 10)
	s.SetFillColor(230, 230, 230)
	for i, title := range []string{"Zone", "Score", "Clips", ""} {
		s.CellFormat(widths[i], 6.5, s.exam.say(title), "B", 0, "L", true, 0, "")
	}
	s.Ln(-1)
	for _, z := range s.exam.Protocol.Zones {
		s.SetFont("go", "", 10)
		s.CellFormat(widths[0], 6.5, z.Name, "B", 0, "L", false, 0, "")
		s.SetFont("go", "B", 11)
		s.CellFormat(widths[1], 6.5, dash(z.Score), "B", 0, "L", false, 0, "")
		s.SetFont("go", "", 10)
		s.CellFormat(widths[2], 6.5, fmt.Sprint(z.Clips), "B", 0, "L", false, 0, "")
		s.CellFormat(widths[3], 6.5, s.remark(z), "B", 1, "L", false, 0, "")
	}
	s.SetFont("go", "", 8)
	s.MultiCell(inner, 4, s.exam.say(legend), "", "L", false)
	s.Ln(3)
}

// legend is what the scores mean (paper, section II-A).
const legend = "0: regular pleural line, A-lines. 1: indented pleural line, spaced B-lines. 2: broken pleural line, coalescent B-lines. 3: white lung, with or without larger consolidations. –: missing, never counted as 0."

func (s *sheet) remark(z exam.Zone) string {
	switch {
	case z.Missing && z.Clips > 0:
		return s.exam.say("missing: no clip has a score")
	case z.Missing && len(s.exam.Of(z.Name)) > 0:
		return s.exam.say("missing: no clip counts")
	case z.Missing:
		return s.exam.say("missing: no clip")
	}
	for _, c := range s.exam.Of(z.Name) {
		if c.Human != nil {
			return s.exam.say("a person judged; see below")
		}
	}
	return ""
}

// said is what a person said, beside what the vote did.
func (s *sheet) said() {
	title := true
	for _, c := range s.exam.Clips {
		if c.Human == nil {
			continue
		}
		if title {
			s.SetFont("go", "B", 12)
			s.CellFormat(inner, 8, s.exam.say("Judged by a person"), "", 1, "L", false, 0, "")
			title = false
		}
		s.SetFont("go", "", 10)
		s.MultiCell(inner, 5.5, printable(s.exam.say("%s  %s  Reason: %s", s.exam.line(c), c.Human.At.Local().Format(time.DateTime), c.Human.Reason)), "", "L", false)
	}
	if !title {
		s.Ln(3)
	}
}

// frames are the best frames, three in a row.
func (s *sheet) frames() error {
	const across = 3
	const wide, high = inner/across - 3, 52.0
	column := 0
	y := s.GetY()
	for _, c := range s.exam.Clips {
		if c.Picture == nil {
			continue
		}
		if column == 0 && y+high+12 > 297-20 {
			s.AddPage()
			y = s.GetY()
		}
		var text bytes.Buffer
		if err := png.Encode(&text, c.Picture); err != nil {
			return err
		}
		name := fmt.Sprint("clip", c.Number)
		s.RegisterImageOptionsReader(name, fpdf.ImageOptions{ImageType: "PNG"}, &text)
		b := c.Picture.Bounds()
		w, h := wide, wide*float64(b.Dy())/float64(b.Dx())
		if h > high {
			w, h = high*float64(b.Dx())/float64(b.Dy()), high
		}
		x := margin + float64(column)*(wide+3)
		s.SetFillColor(0, 0, 0)
		s.Rect(x, y, wide, high, "F")
		s.ImageOptions(name, x+(wide-w)/2, y+(high-h)/2, w, h, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
		s.SetXY(x, y+high+1)
		s.SetFont("go", "", 8)
		s.MultiCell(wide, 4, printable(s.exam.line(c)), "", "L", false)
		if column++; column == across {
			column, y = 0, y+high+12
		}
	}
	return nil
}

// printable puts a question mark where the PDF's font has no letter: those are Latin, Greek and
// Cyrillic. DICOM files bear all letters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x52f && (r < 0x2010 || r > 0x2044) {
			return '?'
		}
		return r
	}, text)
}
