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
	for _, s := range Starts() {
		first(add, s)
		firstDisturbed(add, s)
	}
	for _, s := range []Start{FromNetworkd, FromIfupdown, FromNetworkManager, FromNetplanLease} {
		next(add, s)
		nextDisturbed(add, s)
		operators(add, s)
	}
	add("wrong-gateway", FromIfupdownMore, nil, NoEvent, one(wrongGateway()))
	add("wrong-gateway+"+string(Fail), FromIfupdownMore, nil, Fail, one(wrongGateway()))
	add("start-fails+"+string(Fail), FromIfupdownMore, nil, Fail, one(spoilt(1, "startfail")))
	for _, s := range []Start{FromNetworkd, FromNetworkdLease, FromNetplan} {
		add("first+"+string(Unplug), s, nil, Unplug, one(generation(1)))
		add("wrong-gateway+"+string(Unplug), s, nil, Unplug, one(wrongGateway()))
		add("second+"+string(Unplug), s, []Want{generation(1)}, Unplug, one(generation(2)))
	}
	return append(out, byHandCases(c)...)
}

// adder adds a case.
type adder = func(name string, s Start, past []Want, e Event, sides ...Side)

// first are first applies that nothing disturbs.
func first(add adder, s Start) {
	add("first", s, nil, NoEvent, one(generation(1)))
	add("first-serving", s, nil, NoEvent, one(serving(1)))
	add("serving-start-fails", s, nil, NoEvent, one(with(serving(1), func(w *Want) { w.Spoilt = "startfail" })))
	add("first-same-address", s, nil, NoEvent, one(with(generation(1), func(w *Want) { w.Address = oldAddress + "/28" })))
	add("wrong-gateway", s, nil, NoEvent, one(wrongGateway()))
	add("wrong-address", s, nil, NoEvent, one(with(generation(1), func(w *Want) { w.Address = wrongAddress })))
	add("start-fails", s, nil, NoEvent, one(spoilt(1, "startfail")))
	add("dies", s, nil, NoEvent, dies(generation(1)))
}

// firstDisturbed are first applies with an event in them.
func firstDisturbed(add adder, s Start) {
	for _, e := range []Event{KillActivate, KillLogin, SideDies, Cable, Isolate, ReadOnly, Full, Fail, Edit, Plant, Blind} {
		add("first+"+string(e), s, nil, e, one(generation(1)))
	}
	for _, e := range []Event{ReadOnly, Full, Blind, Fail, KillActivate} {
		add("start-fails+"+string(e), s, nil, e, one(spoilt(1, "startfail")))
	}
}

// next are changes of a generation that stands, which nothing disturbs.
func next(add adder, s Start) {
	past := []Want{generation(1)}
	add("second", s, past, NoEvent, one(generation(2)))
	add("serving-moves", s, []Want{serving(1)}, NoEvent, one(with(serving(2), func(w *Want) { w.Service = "192.175.48.2/32" })))
	add("serving-removed", s, []Want{serving(1)}, NoEvent, one(with(serving(2), func(w *Want) { w.Service = "" })))
	// The address goes with a rollback to what stood before it.
	add("rollback-serving", s, []Want{generation(1), serving(2)}, NoEvent, one(back()))
	add("moves", s, past, NoEvent, one(moved()))
	add("pack-removed", s, past, NoEvent, one(packGone()))
	add("rollback", s, knotAfter(), NoEvent, one(back()))
	add("check-fails", s, past, NoEvent, one(spoilt(2, "checkfail")))
	add("check-hangs", s, past, NoEvent, one(spoilt(2, "checkhang")))
	add("second-start-fails", s, past, NoEvent, one(spoilt(2, "startfail")))
	add("second-wrong-gateway", s, past, NoEvent, one(with(generation(2), func(w *Want) { w.Gateway = "192.0.2.18" })))
	add("gate-says-no", s, past, NoEvent, refuses())
}

// nextDisturbed are changes of a generation that stands with an event in them.
func nextDisturbed(add adder, s Start) {
	past := []Want{generation(1)}
	for _, e := range []Event{KillActivate, KillLogin, SideDies, Cable, Isolate, ReadOnly, Full, Fail, Edit, Plant, Blind} {
		add("second+"+string(e), s, past, e, one(generation(2)))
	}
	add("check-hangs+"+string(Cable), s, past, Cable, one(spoilt(2, "checkhang")))
	add("rollback+"+string(Fail), s, knotAfter(), Fail, one(back()))
	add("gate-says-no+"+string(KillActivate), s, past, KillActivate, refuses())
	add("second-start-fails+"+string(Blind), s, past, Blind, one(spoilt(2, "startfail")))
	add("moves+"+string(Blind), s, past, Blind, one(moved()))
	for _, e := range []Event{Fail, Blind} {
		add("wrong-gateway+"+string(e), s, nil, e, one(wrongGateway()))
		add("dies+"+string(e), s, past, e, dies(generation(2)))
		add("pack-removed+"+string(e), s, past, e, one(packGone()))
		add("gate-says-no+"+string(e), s, past, e, refuses())
	}
}

// operators are two of them.
func operators(add adder, s Start) {
	past := []Want{generation(1)}
	later := Side{Want: generation(3), Pause: 10 * time.Minute}
	slow := Side{Want: generation(2), Seconds: 600, Gate: 3 * time.Minute}
	soon := Side{Want: generation(3), Seconds: 30, After: 5 * time.Second}
	add("stale-plan", s, past, NoEvent, one(generation(2)), later)
	add("stale-plan+"+string(Blind), s, past, Blind, one(generation(2)), later)
	add("stale-rollback", s, knotAfter(), NoEvent, one(generation(3)), Side{Want: back(), Pause: 10 * time.Minute})
	add("shorter", s, past, NoEvent, slow, soon)
	add("shorter+"+string(Fail), s, past, Fail, slow, soon)
	gone := slow
	gone.Dies = time.Minute
	add("abandoned", s, past, NoEvent, gone, Side{Want: generation(3), Seconds: 30, After: 50 * time.Second})
	add("two-slow", s, past, Overtake, one(spoilt(2, "checkhang")), Side{Want: generation(3), After: time.Second})
	add("two", s, past, Preempt, one(generation(2)), one(generation(3)))
	add("two-same", s, past, Preempt, one(generation(2)), one(generation(2)))
}

func one(w Want) Side { return Side{Want: w} }

// dies is a near side that ends while its change is under way.
func dies(w Want) Side { return Side{Want: w, Dies: time.Second / 2} }

// refuses is a near side whose gate says no.
func refuses() Side { return Side{Want: generation(2), No: true} }

func spoilt(edition int, word string) Want {
	return with(generation(edition), func(w *Want) { w.Spoilt = word })
}

func wrongGateway() Want {
	return with(generation(1), func(w *Want) { w.Gateway = "192.0.2.18" })
}

func moved() Want {
	return with(generation(2), func(w *Want) { w.Address = "192.0.2.21/28" })
}

func packGone() Want {
	return with(generation(2), func(w *Want) { w.DNS, w.Guard = "knot", false })
}

// knotAfter are two generations with another name server each, and back goes
// from the second to the first.
func knotAfter() []Want {
	return []Want{generation(1), with(generation(2), func(w *Want) { w.DNS = "knot" })}
}

func back() Want {
	return with(generation(2), func(w *Want) { w.Again = 1 })
}

// serving is a generation with a service address, and else with the network of
// its other editions.
func serving(edition int) Want {
	return with(generation(edition), func(w *Want) { w.Service, w.Still = "192.175.48.1/32", true })
}
