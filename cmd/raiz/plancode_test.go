package main

import (
	"testing"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// A plan speaks of the present: that an earlier change was reverted is a
// notice, and no reason for CI to stay red.
func TestPlanSpeaksOfThePresent(t *testing.T) {
	change := plan.Plan{Changes: []plan.Change{{}}}
	unknown := plan.Plan{Unknown: []state.Fact{{}}}
	for _, last := range []*server.Status{nil, {Number: 3, State: server.Reverted, Reason: "DNS is dead"}, {Number: 3, State: server.Confirmed}} {
		seen := observe.Observation{Server: server.Facts{Last: last}}
		for _, tt := range []struct {
			plan plan.Plan
			want exitCode
		}{{plan.Plan{}, exitDone}, {change, exitPending}, {plan.Plan{Queued: []state.Fact{{}}}, exitPending}, {plan.Plan{Waiting: []state.Fact{{}}}, exitDone}, {unknown, exitUnreachable}, {plan.Plan{Part: plan.ServerAlone}, exitUnreachable}} {
			planned := provision.Planned{Plan: tt.plan, Seen: seen}
			if got := planCode(planned); got != tt.want {
				t.Errorf("after %+v: %d, want %d", last, got, tt.want)
			}
			reverted := last != nil && last.State == server.Reverted
			if notices := planned.Notices(); (len(notices) == 1 && notices[0].Code == "notice.reverted") != reverted {
				t.Errorf("after %+v: notices %v", last, notices)
			}
		}
	}
}
