package report

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	syntax "github.com/suyashkumar/dicom/pkg/uid"
)

// File is a DICOM file.
type File struct {
	Name string // such as sr.dcm or sc-3.dcm
	Data []byte
}

// dataset gathers elements in any order.
type dataset struct {
	elements []*dicom.Element
	err      error
}

// put sets an element; values are strings, ints, bytes, or datasets for a sequence.
func (d *dataset) put(t tag.Tag, values ...any) {
	if d.err != nil {
		return
	}
	var data any
	switch len(values) {
	case 0:
		data = []string{}
	default:
		switch values[0].(type) {
		case string:
			data = all[string](values)
		case int:
			data = all[int](values)
		case []byte:
			data = values[0]
		case dataset:
			var items [][]*dicom.Element
			for _, item := range all[dataset](values) {
				if item.err != nil {
					d.err = item.err
					return
				}
				items = append(items, item.sorted())
			}
			data = items
		default:
			data = values[0]
		}
	}
	e, err := dicom.NewElement(t, data)
	if err != nil {
		d.err = fmt.Errorf("DICOM element %v: %w", t, err)
		return
	}
	d.elements = append(d.elements, e)
}

// none sets an empty sequence.
func (d *dataset) none(t tag.Tag) {
	if d.err != nil {
		return
	}
	e, err := dicom.NewElement(t, [][]*dicom.Element{})
	if err != nil {
		d.err = fmt.Errorf("DICOM element %v: %w", t, err)
		return
	}
	d.elements = append(d.elements, e)
}

func all[T any](values []any) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = v.(T) //nolint:forcetypeassert // put's callers are in this package, and tested
	}
	return out
}

func (d *dataset) sorted() []*dicom.Element {
	slices.SortStableFunc(d.elements, func(a, b *dicom.Element) int { return a.Tag.Compare(b.Tag) })
	return d.elements
}

// when sets a date and a time.
func (d *dataset) when(day, clock tag.Tag, t time.Time) {
	d.put(day, t.Format("20060102"))
	d.put(clock, t.Format("150405"))
}

// file writes the dataset as a file of a class.
func (d *dataset) file(name, class, instance string) (File, error) {
	d.put(tag.SOPClassUID, class)
	d.put(tag.SOPInstanceUID, instance)
	d.put(tag.MediaStorageSOPClassUID, class)
	d.put(tag.MediaStorageSOPInstanceUID, instance)
	d.put(tag.FileMetaInformationVersion, []byte{0, 1})
	d.put(tag.ImplementationClassUID, implementation)
	d.put(tag.ImplementationVersionName, "LUNGBOX")
	d.put(tag.TransferSyntaxUID, syntax.ExplicitVRLittleEndian)
	if d.err != nil {
		return File{}, d.err
	}
	var out bytes.Buffer
	if err := dicom.Write(&out, dicom.Dataset{Elements: d.sorted()}); err != nil {
		return File{}, fmt.Errorf("DICOM file %s: %w", name, err)
	}
	return File{Name: name, Data: out.Bytes()}, nil
}

// code is a coded entry (PS3.3 8.8).
type code struct{ value, scheme, meaning string }

func (c code) item() (d dataset) {
	d.put(tag.CodeValue, c.value)
	d.put(tag.CodingSchemeDesignator, c.scheme)
	d.put(tag.CodeMeaning, c.meaning)
	return d
}
