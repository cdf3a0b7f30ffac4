package pcapng

import (
	"errors"
	"fmt"
	"io"
)

// Comment copies a capture and puts comments on its packets: those that comment
// gives, behind what was there; an empty one adds nothing. Everything else that
// a [Reader] reads, secrets too, is kept, in its order; a capture of several
// sections is refused, because interfaces would change their meaning.
//
// The error is that of src, of dst, or of a comment of more than 65535 bytes.
func Comment(dst io.Writer, src io.Reader, comment func(Interface, Packet) string) error {
	r, err := NewReader(src)
	if err != nil {
		return err
	}
	var w *Writer
	var interfaces []Interface
	for {
		b, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return w.Close()
		case err != nil:
			return errors.Join(err, w.Close())
		}
		switch b := b.(type) {
		case Section:
			if w != nil {
				return errors.Join(errors.New("pcapng: a capture of several sections: comment each by itself"), w.Close())
			}
			if w, err = NewWriter(dst, Options(b)); err != nil {
				return err
			}
		case Interface:
			interfaces = append(interfaces, b)
			_, err = w.AddInterface(b)
		case Captured:
			p := b.Packet
			if c := comment(interfaces[b.Interface], p); p.Comment == "" {
				p.Comment = c
			} else if c != "" {
				p.Comment += "; " + c
			}
			err = w.WritePacket(b.Interface, p)
		case Secrets:
			err = w.WriteSecrets(b)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("pcapng: commenting: %w", err), w.Close())
		}
	}
}
