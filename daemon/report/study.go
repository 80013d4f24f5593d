package report

import (
	"fmt"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// implementation names this writer of DICOM files (PS3.7 D.3.3.2).
var implementation = uid("implementation")

// study is the study that an exam becomes.
func (e Exam) study() string { return uid(e.ID, "study") }

// base begins a file: patient, study, series and equipment (PS3.3 C.7.1 to C.7.5).
func (e Exam) base(modality, series string, number int) (d dataset) {
	began := e.Started.Local()
	d.put(tag.SpecificCharacterSet, "ISO_IR 192") // UTF-8
	d.put(tag.TimezoneOffsetFromUTC, began.Format("-0700"))
	d.put(tag.PatientName, e.patient()+"^") // a name of one part (PS3.5 6.2.1.1)
	d.put(tag.PatientID, e.patient())
	d.put(tag.PatientBirthDate)
	d.put(tag.PatientSex)
	d.put(tag.PatientComments, e.mark())
	d.put(tag.StudyInstanceUID, e.study())
	d.when(tag.StudyDate, tag.StudyTime, began)
	d.put(tag.ReferringPhysicianName)
	d.put(tag.StudyID, e.ID[:min(16, len(e.ID))])
	d.put(tag.AccessionNumber)
	d.put(tag.StudyDescription, "Lung ultrasound, "+e.Scheme)
	d.put(tag.Modality, modality)
	d.put(tag.SeriesInstanceUID, uid(e.ID, "series", modality, series))
	d.put(tag.SeriesNumber, fmt.Sprint(number))
	d.put(tag.SeriesDescription, e.title(series))
	d.put(tag.Manufacturer, "Lungbox")
	d.put(tag.ManufacturerModelName, "Lungbox")
	d.put(tag.StationName, short(e.Device, 16))
	d.put(tag.SoftwareVersions, short(e.Version, 64))
	d.put(tag.DeviceSerialNumber, short(e.Device, 64))
	return d
}

// title is a series' name: 64 characters at most (PS3.5 6.2, LO).
func (e Exam) title(text string) string {
	if e.Simulated {
		text = "SIMULATED: " + text
	}
	return short(text, 64)
}

// mark is what stands on every file.
func (e Exam) mark() string {
	if e.Simulated {
		return Simulated + ". " + NotADiagnosis
	}
	return NotADiagnosis
}

func short(text string, most int) string {
	if all := []rune(text); len(all) > most {
		return string(all[:most])
	}
	return text
}

// stamp is a date and time for names: the same exam told again is the same report.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
