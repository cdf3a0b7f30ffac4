package link

// OverruleLoss gives f the last word about what the shape's loss model decides:
// it is told a packet's number, as the direction counts from 1, and whether the
// model loses it, and answers whether it is lost. So one can learn which packets
// were lost, and lose the same, or some of them, again. nil ends that.
//
// f is asked in the order of the numbers, one packet at a time, while the
// direction is locked: it must not use the wire. A direction that is perfect, on
// a wire without rules, does not ask.
func (d *Direction) OverruleLoss(f func(number uint64, lost bool) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.overrule = f
}
