//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/rehearse"
)

// zoneVerbs are the verbs of `rehearse zone`, in the order of its help.
func zoneVerbs() []string { return []string{"bump", "unsign", "corrupt", "expire", "stop", "start"} }

func newRehearseZone(g *globals) *cobra.Command {
	var how string
	cmd := &cobra.Command{
		Use:   "zone ID bump|unsign|corrupt|expire|stop|start [ZONE|ADDRESS...]",
		Short: "Change what the zone primary of a rehearsal hands out",
		Long: `zone does to a transferred zone of a rehearsal what can happen to the real one.
The primary is a real name server at every address that the site's zones name
as primaries; it hands its zones out under the site's TSIG keys and sends a
NOTIFY for each new serial. Without ZONE the root is meant, and each verb
returns when the primary answers with what it says.

  bump      a new serial and one record changed, well signed: what happens
            twice a day. It also ends what the other verbs did.
  unsign    a new serial, with neither signatures nor ZONEMD.
  corrupt   a new serial, well signed, and then damaged (--how):
            record     a signed record is another: its signature does not fit
            glue       an address below a delegation is another, which nothing
                       signs: only the ZONEMD does not fit
            zonemd     the ZONEMD itself is another
            truncated  the last third of the zone is not there
  expire    a new serial, well signed, that does not last. It waits until the
            server has fetched it, and says until when that copy is good:
            soa         the SOA expires in 15 s, and the primary falls silent
            signatures  the signatures expire 40 s after they were made; the
                        primary goes on, as where the signer has died
  stop      the primary is dead; with ADDRESS, it is silent there only.
  start     it is back, with all addresses or with those given.`,
		Example: `  raiz rehearse zone 1a2b3c4d bump
  raiz rehearse zone 1a2b3c4d corrupt root-servers.net --how record
  raiz rehearse zone 1a2b3c4d expire --how signatures
  raiz rehearse zone 1a2b3c4d stop 192.0.2.53`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := zoneUsage(args[1], args[2:], how); err != nil {
				return exit(exitUsage, err)
			}
			testbed, err := rehearse.Find(args[0])
			if err != nil {
				return exit(exitUsage, err)
			}
			if err := zoneThere(testbed.Primary, args[1], args[2:]); err != nil {
				return exit(exitUsage, err)
			}
			done, err := zoneVerb(cmd.Context(), testbed.Primary, args[1], args[2:], how)
			if err != nil {
				return exit(exitError, err)
			}
			if g.json {
				return g.put(done)
			}
			printable.Fprintf(g.std.out, "%s\n", done)
			return nil
		},
	}
	cmd.Flags().StringVar(&how, "how", "", "what corrupt damages, or what expires")
	return cmd
}

// zoneUsage refuses what no rehearsal could do.
func zoneUsage(verb string, args []string, how string) error {
	if !slices.Contains(zoneVerbs(), verb) {
		return fmt.Errorf("no verb %q; there are %s", verb, strings.Join(zoneVerbs(), ", "))
	}
	if err := howUsage(verb, how); err != nil {
		return err
	}
	if verb == "stop" || verb == "start" {
		_, err := primaryAddrs(args)
		return err
	}
	if len(args) > 1 {
		return errors.New("one zone at a time")
	}
	return nil
}

func howUsage(verb, how string) error {
	switch {
	case how == "":
		return nil
	case verb == "corrupt" && !slices.Contains(rehearse.Flaws(), rehearse.Flaw(how)):
		return fmt.Errorf("no --how %q; corrupt has %q", how, rehearse.Flaws())
	case verb == "expire" && !slices.Contains(rehearse.Expiries(), rehearse.Expiry(how)):
		return fmt.Errorf("no --how %q; expire has %q", how, rehearse.Expiries())
	case verb != "corrupt" && verb != "expire":
		return fmt.Errorf("--how is for corrupt and expire, not for %s", verb)
	}
	return nil
}

// zoneThere refuses what this rehearsal does not have.
func zoneThere(p rehearse.Primary, verb string, args []string) error {
	if verb == "stop" || verb == "start" {
		addrs, err := primaryAddrs(args)
		if err != nil {
			return err
		}
		return p.Has(addrs...)
	}
	_, err := p.Zone(zoneOf(args))
	return err
}

// zoneOf is the zone that is meant.
func zoneOf(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func primaryAddrs(args []string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, arg := range args {
		a, err := netip.ParseAddr(arg)
		if err != nil {
			return nil, fmt.Errorf("%q is no address: stop and start take addresses of the primary, or none for all of it", arg)
		}
		all = append(all, a)
	}
	return all, nil
}

// zoneResult is what a primary does now, in JSON.
type zoneResult struct {
	Zone      string       `json:"zone,omitempty"`
	Serial    uint32       `json:"serial,omitempty"`
	Until     *time.Time   `json:"until,omitempty"` // that copy is good
	Primary   string       `json:"primary,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // none for all
}

// String is the same for a person.
func (z zoneResult) String() string {
	switch {
	case z.Primary != "" && len(z.Addresses) == 0:
		return "primary " + z.Primary + " at all addresses"
	case z.Primary != "":
		return "primary " + z.Primary + " at " + strings.Trim(fmt.Sprint(z.Addresses), "[]")
	case z.Until != nil:
		return fmt.Sprintf("zone %s serial %d until %s", z.Zone, z.Serial, z.Until.Format(time.RFC3339))
	}
	return fmt.Sprintf("zone %s serial %d", z.Zone, z.Serial)
}

// zoneVerb does it, and returns what is to be said of it.
func zoneVerb(ctx context.Context, p rehearse.Primary, verb string, args []string, how string) (zoneResult, error) {
	zone := zoneOf(args)
	var served rehearse.Served
	var err error
	switch verb {
	case "bump":
		served, err = p.Bump(ctx, zone)
	case "unsign":
		served, err = p.Unsign(ctx, zone)
	case "corrupt":
		served, err = p.Corrupt(ctx, zone, orFirst(rehearse.Flaw(how), rehearse.Flaws()))
	case "expire":
		served, err = p.Expire(ctx, zone, orFirst(rehearse.Expiry(how), rehearse.Expiries()))
	default:
		return switchPrimary(ctx, p, verb, args)
	}
	if err != nil {
		return zoneResult{}, err
	}
	done := zoneResult{Zone: served.Zone, Serial: served.Serial}
	if !served.Until.IsZero() {
		until := served.Until.UTC().Truncate(time.Second)
		done.Until = &until
	}
	return done, nil
}

func switchPrimary(ctx context.Context, p rehearse.Primary, verb string, args []string) (zoneResult, error) {
	addrs, err := primaryAddrs(args)
	if err != nil {
		return zoneResult{}, err
	}
	if verb == "stop" {
		return zoneResult{Primary: "stopped", Addresses: addrs}, p.Stop(ctx, addrs...)
	}
	return zoneResult{Primary: "started", Addresses: addrs}, p.Start(ctx, addrs...)
}

// orFirst returns a word, or the first of those there are where none was given.
func orFirst[T ~string](word T, all []T) T {
	if word == "" {
		return all[0]
	}
	return word
}
