//go:build linux

// Thief is what another user of a server would run while raiz changes it: it
// reads whatever it may, or plants names where it may. It is told all it has to
// know on stdin, for its own command line must not hold what it looks for.
//
// The first line is an Order. Each further line is the tactic from then on; the
// answer "on TACTIC" says that it has gone round once. At the end of stdin it puts its own
// names away and writes a Report.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// Order is what a thief is told.
type Order struct {
	Role    string   // reader or planter
	Secrets []string // of a reader: what it looks for
	Dirs    []string // of a reader: where, each looked through again and again
	Trees   []string // of a reader: the same, more seldom, with all below
	Dir     string   // of a planter: the directory that it may change
	Names   []string // of a planter: what will be written there
	Victims []string // of a planter: where its links lead
	Watched string   // of a planter: another directory in which names appear
}

// Report is what it says at its end.
type Report struct {
	Rounds  map[string]int // by tactic
	Opened  int            // files of others that a reader could open
	Denied  int            // that it could not
	Planted int            // names that a planter has put somewhere
	Beside  int            // of them, names that it has seen appear
	Failed  map[string]int // why a name could not be put there
	Loot    []Loot
}

// Loot is a file of others with a secret in it.
type Loot struct {
	Path   string
	Secret int // which
}

// thief does one round of a tactic.
type thief interface {
	round(tactic string)
	leave() Report
}

func main() {
	runtime.GOMAXPROCS(2) // one loops, one listens
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	var o Order
	if !in.Scan() {
		fail("no order")
	}
	if err := json.Unmarshal(in.Bytes(), &o); err != nil {
		fail(err)
	}
	var t thief
	switch o.Role {
	case "reader":
		t = newReader(o)
	case "planter":
		t = newPlanter(o)
	default:
		fail("no role " + o.Role)
	}
	next, on, ended := make(chan string), make(chan string), make(chan Report)
	go loop(t, next, on, ended)
	for in.Scan() {
		next <- in.Text()
		fmt.Println("on " + <-on)
	}
	close(next)
	out, _ := json.Marshal(<-ended) // plain fields
	fmt.Println(string(out))
}

// loop goes round without a pause; idle waits for the next word. A tactic is on
// once it has gone round.
func loop(t thief, next <-chan string, on chan<- string, ended chan<- Report) {
	rounds, tactic := map[string]int{}, "idle"
	for more := true; more; {
		var word string
		if tactic == "idle" {
			word, more = <-next
		} else {
			select {
			case word, more = <-next:
			default:
				t.round(tactic)
				rounds[tactic]++
				continue
			}
		}
		if !more {
			break
		}
		t.round("idle") // what the last tactic has left is put away
		t.round(word)
		rounds[word]++
		tactic = word
		on <- word
	}
	r := t.leave()
	r.Rounds = rounds
	ended <- r
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, "thief:", why)
	os.Exit(1)
}
