package link

import (
	"slices"
)

// losses decides which packets are lost. It is asked for every packet number,
// also of those that are lost otherwise: its states go by the numbers.
type losses struct {
	model Loss
	chain correlated
	state markov
}

// markov is a state of the models with memory. Both begin in the first.
type markov uint8

const (
	good markov = iota // Gilbert-Elliott
	bad
)

const (
	received      markov = iota // netem's 4 states: within a gap, state 1
	burstReceived               // 2
	burstLost                   // 3
	isolatedLost                // 4
)

// set changes the model; one that is the same goes on in its state.
func (l *losses) set(to Loss) {
	if !sameLoss(l.model, to) {
		*l = losses{model: to}
	}
}

func sameLoss(a, b Loss) bool {
	if !slices.Equal(a.Pattern, b.Pattern) || !slices.Equal(a.List, b.List) {
		return false
	}
	return a.Kind == b.Kind && a.Chance == b.Chance &&
		a.P == b.P && a.R == b.R && a.OneMinusH == b.OneMinusH && a.OneMinusK == b.OneMinusK &&
		a.P13 == b.P13 && a.P31 == b.P31 && a.P32 == b.P32 && a.P23 == b.P23 && a.P14 == b.P14
}

// none says that nothing can be lost.
func (l *Loss) none() bool {
	return l.Kind == LossNone || l.Kind == LossRandom && l.Chance.P == 0
}

// lost decides about packet n.
func (l *losses) lost(d draws, n uint64) bool {
	m := &l.model
	switch m.Kind {
	case LossRandom:
		return m.Chance.P > 0 && l.chain.next(d.uniform(n, drawLoss), m.Chance.Correlation) < m.Chance.P
	case LossGilbertElliott:
		return l.gilbertElliott(d, n)
	case LossState:
		return l.fourStates(d.uniform(n, drawLoss))
	case LossPattern:
		return m.Pattern[(n-1)%uint64(len(m.Pattern))]
	case LossList:
		_, found := slices.BinarySearch(m.List, n)
		return found
	}
	return false
}

// gilbertElliott is netem's: a packet is lost as the state it meets says, and
// then the state moves on.
func (l *losses) gilbertElliott(d draws, n uint64) bool {
	move, lose := d.uniform(n, drawLossTransition), d.uniform(n, drawLoss)
	if l.state == good {
		if move < l.model.P {
			l.state = bad
		}
		return lose < l.model.OneMinusK
	}
	if move < l.model.R {
		l.state = good
	}
	return lose < l.model.OneMinusH
}

// fourStates is netem's (Salsano, Ludovici, Ordine: Definition of a general and
// intuitive loss model for packet networks, 2009): the state moves first, and
// the packet is lost in two of the four.
func (l *losses) fourStates(u float64) bool {
	m := &l.model
	switch l.state {
	case received:
		switch {
		case u < m.P14:
			l.state = isolatedLost
		case u < m.P14+m.P13:
			l.state = burstLost
		}
	case burstReceived:
		if u < m.P23 {
			l.state = burstLost
		}
	case burstLost:
		switch {
		case u < m.P32:
			l.state = burstReceived
		case u < m.P32+m.P31:
			l.state = received
		}
	case isolatedLost:
		l.state = received
	}
	return l.state == burstLost || l.state == isolatedLost
}
