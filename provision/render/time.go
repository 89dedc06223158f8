package render

import "github.com/raiz-dns/raiz/provision/site"

// time is where it comes from, and how others learn that it is right.
func (v *Values) time(s *site.Site) {
	v.NTP = s.Server.NTP
	v.Time = Time{SyncUnit: "raiz-clock.service", SyncFile: "/run/raiz-clock/synced"}
}
