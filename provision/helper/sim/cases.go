package sim

import (
	"fmt"
	"time"
)

// generation is one that is in order.
func generation(edition int) Want {
	return Want{Edition: edition, Address: "192.0.2.20/28", Gateway: realGateway, DNS: "nsd", Guard: true}
}

// with is a generation that differs.
func with(w Want, change func(*Want)) Want {
	change(&w)
	return w
}

// Cases are what is explored: each scenario from each starting state that makes
// a difference to it.
func Cases(c Code) []*Case {
	var out []*Case
	add := func(name string, s Start, past []Want, e Event, sides ...Side) {
		out = append(out, &Case{Name: fmt.Sprintf("%s/%s", name, s), Start: s, History: past, Sides: sides, Event: e, Code: c})
	}
	one := func(w Want) Side { return Side{Want: w} }
	wrongGateway := with(generation(1), func(w *Want) { w.Gateway = "192.0.2.18" })
	wrong := with(generation(1), func(w *Want) { w.Address = wrongAddress })
	spoilt := func(edition int, word string) Want {
		return with(generation(edition), func(w *Want) { w.Spoilt = word })
	}
	stays := with(generation(1), func(w *Want) { w.Address = oldAddress + "/28" })
	for _, s := range Starts() {
		add("first", s, nil, NoEvent, one(generation(1)))
		firstServing(add, s)
		add("first-same-address", s, nil, NoEvent, one(stays))
		add("wrong-gateway", s, nil, NoEvent, one(wrongGateway))
		add("wrong-address", s, nil, NoEvent, one(wrong))
		add("start-fails", s, nil, NoEvent, one(spoilt(1, "startfail")))
		add("dies", s, nil, NoEvent, Side{Want: generation(1), Dies: time.Second / 2})
		for _, e := range []Event{KillActivate, KillLogin, SideDies, Cable, Isolate, ReadOnly, Full, Fail, Edit, Plant} {
			add("first+"+string(e), s, nil, e, one(generation(1)))
		}
		add("start-fails+"+string(ReadOnly), s, nil, ReadOnly, one(spoilt(1, "startfail")))
		add("start-fails+"+string(Full), s, nil, Full, one(spoilt(1, "startfail")))
		add("first+"+string(Blind), s, nil, Blind, one(generation(1)))
		add("start-fails+"+string(Blind), s, nil, Blind, one(spoilt(1, "startfail")))
		add("start-fails+"+string(Fail), s, nil, Fail, one(spoilt(1, "startfail")))
		add("start-fails+"+string(KillActivate), s, nil, KillActivate, one(spoilt(1, "startfail")))
	}
	for _, s := range []Start{FromNetworkd, FromIfupdown, FromNetworkManager, FromNetplanLease} {
		past := []Want{generation(1)}
		next := generation(2)
		add("second", s, past, NoEvent, one(next))
		nextServing(add, s)
		add("moves", s, past, NoEvent, one(with(next, func(w *Want) { w.Address = "192.0.2.21/28" })))
		add("pack-removed", s, past, NoEvent, one(with(next, func(w *Want) { w.DNS, w.Guard = "knot", false })))
		add("rollback", s, []Want{generation(1), with(next, func(w *Want) { w.DNS = "knot" })}, NoEvent, one(with(next, func(w *Want) { w.Again = 1 })))
		add("check-fails", s, past, NoEvent, one(spoilt(2, "checkfail")))
		add("check-hangs", s, past, NoEvent, one(spoilt(2, "checkhang")))
		add("second-start-fails", s, past, NoEvent, one(spoilt(2, "startfail")))
		add("second-wrong-gateway", s, past, NoEvent, one(with(next, func(w *Want) { w.Gateway = "192.0.2.18" })))
		for _, e := range []Event{KillActivate, KillLogin, SideDies, Cable, Isolate, ReadOnly, Full, Fail, Edit, Plant} {
			add("second+"+string(e), s, past, e, one(next))
		}
		add("check-hangs+"+string(Cable), s, past, Cable, one(spoilt(2, "checkhang")))
		add("wrong-gateway+"+string(Fail), s, nil, Fail, one(wrongGateway))
		add("dies+"+string(Fail), s, past, Fail, Side{Want: next, Dies: time.Second / 2})
		add("rollback+"+string(Fail), s, []Want{generation(1), with(next, func(w *Want) { w.DNS = "knot" })}, Fail, one(with(next, func(w *Want) { w.Again = 1 })))
		add("shorter+"+string(Fail), s, past, Fail, Side{Want: next, Seconds: 600, Gate: 3 * time.Minute}, Side{Want: generation(3), Seconds: 30, After: 5 * time.Second})
		add("pack-removed+"+string(Fail), s, past, Fail, one(with(next, func(w *Want) { w.DNS, w.Guard = "knot", false })))
		add("gate-says-no", s, past, NoEvent, Side{Want: next, No: true})
		add("gate-says-no+"+string(Fail), s, past, Fail, Side{Want: next, No: true})
		add("gate-says-no+"+string(KillActivate), s, past, KillActivate, Side{Want: next, No: true})
		add("stale-rollback", s, []Want{generation(1), with(next, func(w *Want) { w.DNS = "knot" })}, NoEvent, one(generation(3)), Side{Want: with(next, func(w *Want) { w.Again = 1 }), Pause: 10 * time.Minute})
		for _, e := range []Event{Blind} {
			add("gate-says-no+"+string(e), s, past, e, Side{Want: next, No: true})
			add("second+"+string(e), s, past, e, one(next))
			add("second-start-fails+"+string(e), s, past, e, one(spoilt(2, "startfail")))
			add("wrong-gateway+"+string(e), s, nil, e, one(wrongGateway))
			add("moves+"+string(e), s, past, e, one(with(next, func(w *Want) { w.Address = "192.0.2.21/28" })))
			add("pack-removed+"+string(e), s, past, e, one(with(next, func(w *Want) { w.DNS, w.Guard = "knot", false })))
			add("dies+"+string(e), s, past, e, Side{Want: next, Dies: time.Second / 2})
			add("stale-plan+"+string(e), s, past, e, one(next), Side{Want: generation(3), Pause: 10 * time.Minute})
		}
		add("stale-plan", s, past, NoEvent, one(next), Side{Want: generation(3), Pause: 10 * time.Minute})
		add("shorter", s, past, NoEvent, Side{Want: next, Seconds: 600, Gate: 3 * time.Minute}, Side{Want: generation(3), Seconds: 30, After: 5 * time.Second})
		add("abandoned", s, past, NoEvent, Side{Want: next, Seconds: 600, Gate: 3 * time.Minute, Dies: time.Minute}, Side{Want: generation(3), Seconds: 30, After: 50 * time.Second})
		add("two-slow", s, past, Overtake, Side{Want: spoilt(2, "checkhang")}, Side{Want: generation(3), After: time.Second})
		add("two", s, past, Preempt, one(next), one(generation(3)))
		add("two-same", s, past, Preempt, one(next), one(next))
	}
	add("wrong-gateway", FromIfupdownMore, nil, NoEvent, one(wrongGateway))
	add("wrong-gateway+"+string(Fail), FromIfupdownMore, nil, Fail, one(wrongGateway))
	add("start-fails+"+string(Fail), FromIfupdownMore, nil, Fail, one(spoilt(1, "startfail")))
	for _, s := range []Start{FromNetworkd, FromNetworkdLease, FromNetplan} {
		add("first+"+string(Unplug), s, nil, Unplug, one(generation(1)))
		add("wrong-gateway+"+string(Unplug), s, nil, Unplug, one(wrongGateway))
		add("second+"+string(Unplug), s, []Want{generation(1)}, Unplug, one(generation(2)))
	}
	return out
}

// adder adds a case.
type adder = func(name string, s Start, past []Want, e Event, sides ...Side)

// serving is a generation with a service address, and else with the network of
// its other editions.
func serving(edition int) Want {
	return with(generation(edition), func(w *Want) { w.Service, w.Still = "192.175.48.1/32", true })
}

// firstServing are first applies of a service address.
func firstServing(add adder, s Start) {
	add("first-serving", s, nil, NoEvent, Side{Want: serving(1)})
	add("serving-start-fails", s, nil, NoEvent, Side{Want: with(serving(1), func(w *Want) { w.Spoilt = "startfail" })})
}

// nextServing are those over a generation that stands: the address moves, goes,
// and goes with a rollback to what stood before it.
func nextServing(add adder, s Start) {
	add("serving-moves", s, []Want{serving(1)}, NoEvent, Side{Want: with(serving(2), func(w *Want) { w.Service = "192.175.48.2/32" })})
	add("serving-removed", s, []Want{serving(1)}, NoEvent, Side{Want: with(serving(2), func(w *Want) { w.Service = "" })})
	add("rollback-serving", s, []Want{generation(1), serving(2)}, NoEvent, Side{Want: with(generation(2), func(w *Want) { w.Again = 1 })})
}
