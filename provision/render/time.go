package render

import (
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// time is where it comes from, and how others learn that it is right.
func (v *Values) time(s *site.Site) {
	v.NTP = s.Server.NTP
	v.Time = Time{SyncUnit: templates.SyncUnit, SyncFile: "/run/raiz-clock/synced"}
}
