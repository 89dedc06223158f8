package sim

import "github.com/raiz-dns/raiz/provision/helper"

// mend is somebody who mends what hinders.
func (w *world) mend() {
	w.m.disk.readOnly, w.m.disk.full = "", false
	w.m.Acts = nil // they have been looked at
	w.stuck = false
	w.rest()
}

// startAnew is an ordered boot.
func (w *world) startAnew() {
	w.m.disk.flushAll()
	w.m.Crash(KeepAll)
	w.m.Boot()
	w.rest()
}

// typeRevert is what the server says that somebody should type who has mended
// the cause.
func (w *world) typeRevert() {
	w.m.jobs = append(w.m.jobs, job{helper.OpStart, helper.RevertUnit, "job"})
	w.rest()
}
