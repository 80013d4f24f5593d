package report

import "fmt"

// Languages are those that a PDF can be in. Arabic is not one: the PDF's library does not join its
// letters. DICOM files are in English, whose codes every reader knows.
func Languages() []string { return []string{"en", "fr", "es"} }

// say is a text of the PDF in the exam's language; one that has no translation is in English.
func (e Exam) say(text string, values ...any) string {
	if other := translations[e.Language][text]; other != "" {
		text = other
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// translations of the PDF's texts, by language and English text. No native clinician has read them
// yet.
var translations = map[string]map[string]string{
	"fr": {
		NotADiagnosis: "Score de l’IA, pas un diagnostic. Pour la recherche ; pas un dispositif médical.",
		Simulated:     "DONNÉES SIMULÉES OU VERSION DE DÉMONSTRATION : sans usage pour aucun patient",
		short1:        "Score de l’IA, pas un diagnostic.",
		legend:        "0 : ligne pleurale régulière, lignes A. 1 : ligne pleurale irrégulière, lignes B espacées. 2 : ligne pleurale rompue, lignes B coalescentes. 3 : poumon blanc, avec ou sans consolidations étendues. – : manquante, ne compte jamais pour 0.",

		"Lung ultrasound exam": "Échographie pulmonaire", "%s  exam %s": "%s  examen %s", "%s  page %d of {pages}": "%s  page %d sur {pages}",
		"Pseudonym": "Pseudonyme", "Exam": "Examen", "%s to %s, %s": "%s à %s, %s", "cut off": "interrompu", "Zones": "Zones", "Box": "Boîtier", "Nets": "Réseaux",
		"ResNet-50, VGG-19, GoogLeNet by vote; release %s": "ResNet-50, VGG-19, GoogLeNet par vote ; version %s", "unknown": "inconnue",
		"total of %d": "total sur %d", "no zone has a score": "aucune zone n’a de score", "INCOMPLETE: %d of %d zones missing": "INCOMPLET : %d zones manquantes sur %d",
		"worst zone, 0 to 3": "pire zone, 0 à 3", "Zone": "Zone", "Score": "Score", "Clips": "Clips",
		"missing: no clip has a score": "manquante : aucun clip n’a de score", "missing: no clip counts": "manquante : aucun clip ne compte", "missing: no clip": "manquante : pas de clip",
		"a person judged; see below": "notée par une personne ; voir plus bas", "Judged by a person": "Noté par une personne", "%s  %s  Reason: %s": "%s  %s  Motif : %s",
		"%s zone %s, clip %d: does not count (AI %s)": "%s zone %s, clip %d : ne compte pas (IA %s)", "%s zone %s, clip %d: score %s by a person (AI %s)": "%s zone %s, clip %d : score %s par une personne (IA %s)",
		"%s zone %s, clip %d: AI score %s": "%s zone %s, clip %d : score de l’IA %s", "none": "aucun",
	},
	"es": {
		NotADiagnosis: "Puntuación de IA, no es un diagnóstico. Para investigación; no es un producto sanitario.",
		Simulated:     "DATOS SIMULADOS O VERSIÓN DE DEMOSTRACIÓN: sin uso para ningún paciente",
		short1:        "Puntuación de IA, no es un diagnóstico.",
		legend:        "0: línea pleural regular, líneas A. 1: línea pleural irregular, líneas B separadas. 2: línea pleural rota, líneas B coalescentes. 3: pulmón blanco, con o sin consolidaciones extensas. –: falta, nunca cuenta como 0.",

		"Lung ultrasound exam": "Ecografía pulmonar", "%s  exam %s": "%s  examen %s", "%s  page %d of {pages}": "%s  página %d de {pages}",
		"Pseudonym": "Seudónimo", "Exam": "Examen", "%s to %s, %s": "%s a %s, %s", "cut off": "interrumpido", "Zones": "Zonas", "Box": "Equipo", "Nets": "Redes",
		"ResNet-50, VGG-19, GoogLeNet by vote; release %s": "ResNet-50, VGG-19, GoogLeNet por votación; versión %s", "unknown": "desconocida",
		"total of %d": "total de %d", "no zone has a score": "ninguna zona tiene puntuación", "INCOMPLETE: %d of %d zones missing": "INCOMPLETO: faltan %d de %d zonas",
		"worst zone, 0 to 3": "peor zona, 0 a 3", "Zone": "Zona", "Score": "Puntuación", "Clips": "Clips",
		"missing: no clip has a score": "falta: ningún clip tiene puntuación", "missing: no clip counts": "falta: ningún clip cuenta", "missing: no clip": "falta: ningún clip",
		"a person judged; see below": "puntuada por una persona; véase abajo", "Judged by a person": "Puntuado por una persona", "%s  %s  Reason: %s": "%s  %s  Motivo: %s",
		"%s zone %s, clip %d: does not count (AI %s)": "%s zona %s, clip %d: no cuenta (IA %s)", "%s zone %s, clip %d: score %s by a person (AI %s)": "%s zona %s, clip %d: puntuación %s por una persona (IA %s)",
		"%s zone %s, clip %d: AI score %s": "%s zona %s, clip %d: puntuación de la IA %s", "none": "ninguna",
	},
}

// short1 is what stands at the foot of every page.
const short1 = "AI score, not a diagnosis."
