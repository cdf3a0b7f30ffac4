package parser

import (
	"fmt"
	"strconv"
)

// Append appends the text message of p to dst. The attachments are not in it:
// send them after it, in order. Data is taken as it is; p is not checked
// further.
func Append(dst []byte, p *Packet) []byte {
	dst = append(dst, '0'+byte(p.Type))
	if p.Type == BinaryEvent || p.Type == BinaryAck {
		dst = strconv.AppendInt(dst, int64(len(p.Attachments)), 10)
		dst = append(dst, '-')
	}
	if p.Namespace != "" && p.Namespace != "/" {
		dst = append(dst, p.Namespace...)
		dst = append(dst, ',')
	}
	if p.HasID {
		dst = strconv.AppendUint(dst, p.ID, 10)
	}
	return append(dst, p.Data...)
}

// SetEvent makes p an EVENT, or a BINARY_EVENT where an argument holds []byte,
// of that name. It reuses the memory of p.Data. The error is for people who
// wrote the arguments: one that JSON cannot say (a channel, NaN), more than
// [MaxAttachments] binary values, or a reserved name.
func (p *Packet) SetEvent(name string, args ...any) error {
	if Reserved(name) {
		return fmt.Errorf("event name %q is reserved by Socket.IO", name)
	}
	p.makeRoom(len(name), args)
	p.Data = appendString(append(p.Data[:0], '['), name)
	p.Type = Event
	return p.setArgs(BinaryEvent, args)
}

// SetAck makes p an ACK, or a BINARY_ACK, with those arguments. It reuses the
// memory of p.Data; errors as with [Packet.SetEvent].
func (p *Packet) SetAck(args ...any) error {
	p.makeRoom(0, args)
	p.Data = append(p.Data[:0], '[')
	p.Type = Ack
	return p.setArgs(BinaryAck, args)
}

// SetAckText is [Packet.SetAck] with one string.
func (p *Packet) SetAckText(text string) {
	if cap(p.Data) == 0 {
		p.Data = make([]byte, 0, len(text)+len(`[""]`))
	}
	p.Type, p.Attachments = Ack, nil
	p.Data = append(appendString(append(p.Data[:0], '['), text), ']')
}

// makeRoom is for a packet without memory: Data gets as much at once as it will
// probably need.
func (p *Packet) makeRoom(size int, args []any) {
	if cap(p.Data) > 0 {
		return
	}
	const brackets, number = 8, 24
	size += brackets
	for _, arg := range args {
		if text, ok := arg.(string); ok {
			size += len(text)
		}
		size += number
	}
	p.Data = make([]byte, 0, size)
}

func (p *Packet) setArgs(binary Type, args []any) error {
	p.Attachments = nil
	var err error
	for i, arg := range args {
		if len(p.Data) > 1 {
			p.Data = append(p.Data, ',')
		}
		if p.Data, err = appendValue(p.Data, arg, &p.Attachments); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	if len(p.Attachments) > MaxAttachments {
		return fmt.Errorf("%d binary values in one packet: at most %d are allowed", len(p.Attachments), MaxAttachments)
	}
	if len(p.Attachments) > 0 {
		p.Type = binary
	}
	p.Data = append(p.Data, ']')
	return nil
}
