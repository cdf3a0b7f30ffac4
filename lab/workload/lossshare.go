package workload

import "strata/link"

// lossShare is the share of packets that a model of loss loses in the long run;
// ok is false for those that have no such share or none in closed form: a list,
// the 4-state model.
func lossShare(l link.Loss) (share float64, ok bool) {
	switch l.Kind {
	case link.LossNone:
		return 0, true
	case link.LossRandom:
		return l.Chance.P, true
	case link.LossGilbertElliott:
		if l.P+l.R == 0 {
			return l.OneMinusK, true // never leaves the good state
		}
		bad := l.P / (l.P + l.R)
		return bad*l.OneMinusH + (1-bad)*l.OneMinusK, true
	case link.LossPattern:
		for _, lost := range l.Pattern {
			if lost {
				share++
			}
		}
		return share / float64(max(1, len(l.Pattern))), true
	}
	return 0, false
}
