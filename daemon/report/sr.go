package report

import (
	"fmt"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"lungbox/ensemble"
)

// comprehensiveSRStorage is the class of the structured report (PS3.3 A.35.3).
const comprehensiveSRStorage = "1.2.840.10008.5.1.4.1.1.88.33"

// private is the coding scheme of what no standard has a code for: scores and zones.
const private = "99LUNGBOX"

// Codes of PS3.16.
var (
	lung         = code{"39607008", "SCT", "Lung"}
	left         = code{"7771000", "SCT", "Left"}
	right        = code{"24028007", "SCT", "Right"}
	maximum      = code{"56851009", "SCT", "Maximum"}
	total        = code{"255619001", "SCT", "Total"}
	noUnits      = code{"1", "UCUM", "no units"}
	notAttempted = code{"114007", "DCM", "Measurement not attempted"}
	failed       = code{"114006", "DCM", "Measurement failure"}
	derivation   = code{"121401", "DCM", "Derivation"}
	comment      = code{"121106", "DCM", "Comment"}
	observer     = code{"121005", "DCM", "Observer Type"}
)

// item is a content item with what hangs on it (PS3.3 C.17.3).
type item struct {
	relation, kind string
	name           code
	template       string // of a container
	fill           func(d *dataset)
	children       []item
}

func (i item) dataset() (d dataset) {
	if i.relation != "" {
		d.put(tag.RelationshipType, i.relation)
	}
	d.put(tag.ValueType, i.kind)
	if i.name != (code{}) {
		d.put(tag.ConceptNameCodeSequence, i.name.item())
	}
	if i.kind == "CONTAINER" {
		d.put(tag.ContinuityOfContent, "SEPARATE")
	}
	if i.template != "" {
		var t dataset
		t.put(tag.MappingResource, "DCMR")
		t.put(tag.TemplateIdentifier, i.template)
		d.put(tag.ContentTemplateSequence, t)
	}
	if i.fill != nil {
		i.fill(&d)
	}
	var children []any
	for _, c := range i.children {
		children = append(children, c.dataset())
	}
	if len(children) > 0 {
		d.put(tag.ContentSequence, children...)
	}
	return d
}

func coded(relation string, name, value code) item {
	return item{relation: relation, kind: "CODE", name: name, fill: func(d *dataset) { d.put(tag.ConceptCodeSequence, value.item()) }}
}

func text(relation string, name code, value string) item {
	return item{relation: relation, kind: "TEXT", name: name, fill: func(d *dataset) { d.put(tag.TextValue, value) }}
}

func uidref(relation string, name code, value string) item {
	return item{relation: relation, kind: "UIDREF", name: name, fill: func(d *dataset) { d.put(tag.UID, value) }}
}

func container(relation string, name code, template string, children ...item) item {
	return item{relation: relation, kind: "CONTAINER", name: name, template: template, children: children}
}

// number is a measurement. A score that is none is a code that says why instead: a measurement
// without a value is allowed (PS3.3 C.18.1), but common readers fail on it or take it for 0.
func number(name code, value ensemble.Score, why code, children ...item) item {
	if value == ensemble.None {
		return coded("CONTAINS", name, why)
	}
	return item{relation: "CONTAINS", kind: "NUM", name: name, children: children, fill: func(d *dataset) {
		var m dataset
		m.put(tag.NumericValue, fmt.Sprint(int(value)))
		m.put(tag.MeasurementUnitsCodeSequence, noUnits.item())
		d.put(tag.MeasuredValueSequence, m)
	}}
}

// reference is a clip's picture as PS3.3 10.8 refers to it.
func (e Exam) reference(c Clip) (d dataset) {
	d.put(tag.ReferencedSOPClassUID, secondaryCaptureStorage)
	d.put(tag.ReferencedSOPInstanceUID, e.captured(c))
	return d
}

func (e Exam) picture(relation string, name code, c Clip) item {
	return item{relation: relation, kind: "IMAGE", name: name, fill: func(d *dataset) { d.put(tag.ReferencedSOPSequence, e.reference(c)) }}
}

// Structured is the exam as a DICOM structured report after TID 1500, Measurement Report: a
// measurement group (TID 1501) for each zone, missing ones too, and one for the whole lung.
func (e Exam) Structured() (File, error) {
	tree := container("", code{"126000", "DCM", "Imaging Measurement Report"}, "1500",
		coded("HAS CONCEPT MOD", code{"121049", "DCM", "Language of Content Item and Descendants"}, code{"en", "RFC5646", "English"}),
		coded("HAS OBS CONTEXT", observer, code{"121007", "DCM", "Device"}),
		uidref("HAS OBS CONTEXT", code{"121012", "DCM", "Device Observer UID"}, uid("device", e.Device)),
		text("HAS OBS CONTEXT", code{"121013", "DCM", "Device Observer Name"}, e.Device),
		text("HAS OBS CONTEXT", code{"121014", "DCM", "Device Observer Manufacturer"}, "Lungbox"),
		text("HAS OBS CONTEXT", code{"121015", "DCM", "Device Observer Model Name"}, "Lungbox "+e.Version),
		coded("HAS CONCEPT MOD", code{"121058", "DCM", "Procedure reported"}, code{"16310003", "SCT", "Diagnostic ultrasonography"}),
	)
	var pictures []item
	var evidence []any
	for _, c := range e.Clips {
		if c.Picture != nil {
			pictures = append(pictures, e.picture("CONTAINS", code{}, c))
			evidence = append(evidence, e.reference(c))
		}
	}
	if len(pictures) > 0 {
		tree.children = append(tree.children, container("CONTAINS", code{"111028", "DCM", "Image Library"}, "1600",
			container("CONTAINS", code{"126200", "DCM", "Image Library Group"}, "", pictures...)))
	}
	var groups []item
	for _, z := range e.Protocol.Zones {
		groups = append(groups, e.zone(z.Name, z.Score, z.Clips))
	}
	tree.children = append(tree.children, container("CONTAINS", code{"126010", "DCM", "Imaging Measurements"}, "", append(groups, e.sum())...))

	d := e.base("SR", "Lung ultrasound scores", 2)
	content := tree.dataset()
	d.elements, d.err = append(d.elements, content.elements...), content.err
	d.put(tag.InstanceNumber, "1")
	d.when(tag.SeriesDate, tag.SeriesTime, e.over().Local())
	d.when(tag.ContentDate, tag.ContentTime, e.over().Local())
	d.put(tag.CompletionFlag, map[bool]string{true: "COMPLETE", false: "PARTIAL"}[e.Complete() && !e.Ended.IsZero()])
	d.put(tag.CompletionFlagDescription, e.title(fmt.Sprintf("%d of %d zones missing", e.Protocol.Missing, len(e.Protocol.Zones))))
	d.put(tag.VerificationFlag, "UNVERIFIED")
	d.none(tag.PerformedProcedureCodeSequence)
	d.none(tag.ReferencedPerformedProcedureStepSequence)
	var scheme dataset
	scheme.put(tag.CodingSchemeDesignator, private)
	scheme.put(tag.CodingSchemeUID, uid("coding scheme"))
	scheme.put(tag.CodingSchemeName, "Lungbox scores and zones")
	d.put(tag.CodingSchemeIdentificationSequence, scheme)
	if len(evidence) > 0 {
		var series, study dataset
		series.put(tag.SeriesInstanceUID, uid(e.ID, "series", "US", "Best frames"))
		series.put(tag.ReferencedSOPSequence, evidence...)
		study.put(tag.StudyInstanceUID, e.study())
		study.put(tag.ReferencedSeriesSequence, series)
		d.put(tag.CurrentRequestedProcedureEvidenceSequence, study)
	}
	return d.file("sr.dcm", comprehensiveSRStorage, uid(append([]string{e.ID, "sr"}, e.told()...)...))
}

// told is all that may change in a report of an exam.
func (e Exam) told() (out []string) {
	out = append(out, stamp(e.Ended), e.Version, e.Language, fmt.Sprint(e.Simulated), strings.Join(e.Releases, " "))
	for _, c := range e.Clips {
		reason := ""
		if c.Human != nil {
			reason = c.Human.Reason
		}
		out = append(out, e.captured(c), reason, fmt.Sprint(c.Picture != nil))
	}
	return out
}

// zone is the measurement group of a zone.
func (e Exam) zone(name string, score ensemble.Score, clips int) item {
	site := coded("HAS CONCEPT MOD", code{"363698007", "SCT", "Finding Site"}, lung)
	switch sideOf(e.Scheme, name) {
	case "L":
		site.children = append(site.children, coded("HAS CONCEPT MOD", code{"272741003", "SCT", "Laterality"}, left))
	case "R":
		site.children = append(site.children, coded("HAS CONCEPT MOD", code{"272741003", "SCT", "Laterality"}, right))
	}
	why := notAttempted
	if clips > 0 {
		why = failed // there are clips, and none has a score
	}
	group := container("CONTAINS", code{"125007", "DCM", "Measurement Group"}, "1501",
		text("HAS OBS CONTEXT", code{"112039", "DCM", "Tracking Identifier"}, e.Scheme+" "+name),
		uidref("HAS OBS CONTEXT", code{"112040", "DCM", "Tracking Unique Identifier"}, uid(e.ID, "zone", name)),
		site,
		number(code{"zone-score", private, "Lung ultrasound score of the zone, 0 to 3"}, score, why, coded("HAS CONCEPT MOD", derivation, maximum)),
	)
	for _, c := range e.Of(name) {
		group.children = append(group.children, e.clip(c)...)
	}
	group.children = append(group.children, coded("CONTAINS", code{"zone", private, "Lung ultrasound zone"}, code{e.Scheme + ":" + name, private, e.Scheme + " " + name}))
	return group
}

// clip are the content items of a clip: what the vote said, and what a person did.
func (e Exam) clip(c Clip) (out []item) {
	if c.Discarded() {
		return []item{text("CONTAINS", comment, fmt.Sprintf("Clip %d (AI score %s) does not count: %s", c.Number, said(c.Score), c.Human.Reason))}
	}
	source := func(to *item) {
		if c.Picture != nil && to.kind == "NUM" {
			to.children = append(to.children, e.picture("INFERRED FROM", code{"121112", "DCM", "Source of Measurement"}, c))
		}
	}
	ai := number(code{"ai-clip-score", private, "Lung ultrasound score of a clip, 0 to 3, by AI"}, c.Score, failed,
		text("HAS CONCEPT MOD", code{"111001", "DCM", "Algorithm Name"}, "Lungbox, vote of ResNet-50, VGG-19 and GoogLeNet"),
		text("HAS CONCEPT MOD", code{"111003", "DCM", "Algorithm Version"}, version(c.Release)),
	)
	source(&ai)
	out = append(out, ai)
	if h := c.Human; h != nil {
		person := number(code{"human-clip-score", private, "Lung ultrasound score of a clip, 0 to 3, by a person"}, h.Score, failed,
			coded("HAS OBS CONTEXT", observer, code{"121006", "DCM", "Person"}),
			item{relation: "HAS OBS CONTEXT", kind: "PNAME", name: code{"121008", "DCM", "Person Observer Name"}, fill: func(d *dataset) { d.put(tag.PersonName, "Examiner^") }},
		)
		source(&person)
		out = append(out, person, text("CONTAINS", comment, fmt.Sprintf("Clip %d: %s by a person, AI %s: %s", c.Number, said(h.Score), said(c.Score), h.Reason)))
	}
	return out
}

func version(release string) string {
	if release == "" {
		return "unknown"
	}
	return "release " + release
}

// sum is the measurement group of the whole lung. A total over an exam that is not complete has
// another name than that of one that is: nobody takes one for the other.
func (e Exam) sum() item {
	p := e.Protocol
	name := code{"total", private, "Lung ultrasound total score"}
	if p.Missing > 0 {
		name = code{"total-incomplete", private, "Lung ultrasound total score of the zones that are not missing"}
	}
	value := ensemble.Score(p.Total)
	if p.Worst == ensemble.None {
		value = ensemble.None
	}
	group := container("CONTAINS", code{"125007", "DCM", "Measurement Group"}, "1501",
		text("HAS OBS CONTEXT", code{"112039", "DCM", "Tracking Identifier"}, e.Scheme+" total"),
		uidref("HAS OBS CONTEXT", code{"112040", "DCM", "Tracking Unique Identifier"}, uid(e.ID, "total")),
		coded("HAS CONCEPT MOD", code{"363698007", "SCT", "Finding Site"}, lung),
		number(name, value, notAttempted, coded("HAS CONCEPT MOD", derivation, total)),
		number(code{"worst", private, "Lung ultrasound score of the worst zone, 0 to 3"}, p.Worst, notAttempted, coded("HAS CONCEPT MOD", derivation, maximum)),
		text("CONTAINS", comment, e.mark()),
	)
	if p.Missing > 0 {
		group.children = append(group.children, text("CONTAINS", comment, fmt.Sprintf("Incomplete: %d of %d zones are missing and count nothing in the total.", p.Missing, len(p.Zones))))
	}
	return group
}

// sideOf is the side of the chest of a zone: L, R or "" for none that is known.
func sideOf(scheme, zone string) string {
	if scheme == "iclus14" {
		switch zone {
		case "1", "2", "3", "7", "8", "11", "12":
			return "R"
		case "4", "5", "6", "9", "10", "13", "14":
			return "L"
		}
		return ""
	}
	if strings.HasPrefix(zone, "L") || strings.HasPrefix(zone, "R") {
		return zone[:1]
	}
	return ""
}
