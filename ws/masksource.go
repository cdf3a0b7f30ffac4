package ws

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maskSource draws masking keys, 64 at a time: they must be unpredictable (RFC
// 6455 §5.3), and a draw of crypto-grade randomness costs more than a frame.
type maskSource struct {
	rand io.Reader
	keys [256]byte
	left int
}

func (m *maskSource) next() (uint32, error) {
	if m.left == 0 {
		if _, err := io.ReadFull(m.rand, m.keys[:]); err != nil {
			return 0, fmt.Errorf("draw masking keys: %w", err)
		}
		m.left = len(m.keys)
	}
	key := binary.LittleEndian.Uint32(m.keys[len(m.keys)-m.left:])
	m.left -= 4
	return key, nil
}
