package dicom

import "fmt"

// maxFragments bounds the items of compressed pixel data: an hour of video at 30
// frames per second has 108,000.
const maxFragments = 1 << 18

// itemHeader is the size of an item's tag and length, in bytes.
const itemHeader = 8

// pixelData finds where the pictures lie. A file that ends too early is not an
// error here: the frames that are whole are read.
func (s *scanner) pixelData(e element, p *pixelSpans) error {
	p.found = true
	if e.length != undefined {
		p.native = span{e.value, min(e.end(), s.size)}
		return nil
	}
	for at, first := e.value, true; ; first = false {
		if at+itemHeader > s.size {
			return nil // cut within the items
		}
		item, err := s.header(at, true)
		if err != nil {
			return err
		}
		if item.tag == tagSequenceEnd {
			return nil
		}
		if item.tag != tagItem || item.length == undefined {
			return fmt.Errorf("%w: the pixel data hold %v where an item belongs", ErrDamaged, item.tag)
		}
		if item.end() > s.size {
			return nil // cut within a piece
		}
		if first {
			p.offsets = span{item.value, item.end()}
		} else {
			p.fragments = append(p.fragments, span{item.value, item.end()})
		}
		if len(p.fragments) > maxFragments {
			return fmt.Errorf("%w: its pixel data have more than %d pieces", ErrLimit, maxFragments)
		}
		at = item.end()
	}
}
