package bmc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/state"
)

// Some controllers list a setting and then refuse every write to it. Only the
// try tells. What it told is remembered beside the links, and as long as they
// are: otherwise each plan would promise again what no apply can do. An update
// of the controller ends that; it may take by then what it has refused.

// refusedPrefix is in front of the names of such settings in the cache. Their
// text is "VALUE|DATE|REASON", with a digest of the value that was refused:
// another value may be taken.
const refusedPrefix = "refused "

// learn remembers what the controller turned out not to support, each by
// itself: without the one that was meant, the others may be taken.
func (c *Controller) learn(changes []Change, out []Outcome) {
	if c.where == nil {
		return
	}
	wanted := map[state.Key]state.Value{}
	for _, ch := range changes {
		wanted[ch.Key] = ch.Value
	}
	for _, o := range out {
		key := refusedPrefix + o.Key.Name
		_, known := c.where.links[key]
		_, shared := errors.AsType[*sharedError](o.Err)
		want, ok := wanted[o.Key].(state.Attr)
		switch {
		case o.Status == Unsupported && ok && !shared:
			why := strings.TrimPrefix(lackOf(o.Err), fmt.Sprintf("set %s of %s: ", o.Key.Name, c.at.Address))
			c.where.links[key] = strings.Join([]string{digestOf(want), time.Now().UTC().Format(time.DateOnly), words(why)}, "|")
			c.where.dirty = true
		case o.Status == Done && known:
			delete(c.where.links, key)
			c.where.dirty = true
		}
	}
}

func digestOf(a state.Attr) string {
	sum := sha256.Sum256([]byte(strings.Join(a.Values, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// refusedBefore says when and why the controller refused that value, or "".
func (c *Controller) refusedBefore(name string, want state.Attr) string {
	value, rest, _ := strings.Cut(c.where.links[refusedPrefix+name], "|")
	if value != digestOf(want) {
		return ""
	}
	date, why, _ := strings.Cut(rest, "|")
	return fmt.Sprintf("tried on %s: %s (raiz bmc doctor --forget has it tried again)", words(date), words(why))
}

// hopeless says why a setting that reads otherwise cannot become what is
// wanted, or "" when that is not known.
func (c *Controller) hopeless(ctx context.Context, it state.Item, want state.Attr) string {
	if first, ok := c.where.traits.settings[it.Key.Name]; ok {
		if _, s, err := c.value(ctx, first); err == nil && s.body != nil {
			if _, err = s.body(c.where.docs[s.in], want); errors.Is(err, state.ErrUnsupported) {
				return lackOf(err)
			}
		}
	}
	return c.refusedBefore(it.Key.Name, want)
}

// lackOf is what is left of an error once it is clear that it says unsupported.
func lackOf(err error) string {
	return strings.TrimSuffix(err.Error(), ": "+state.ErrUnsupported.Error())
}

// Forget drops what is remembered of refused settings, so that the next Set
// tries them again. It returns their names.
func (c *Controller) Forget() []string {
	if c.where == nil {
		return nil
	}
	var names []string
	for _, name := range order() {
		if _, ok := c.where.links[refusedPrefix+name]; ok {
			names = append(names, name)
		}
	}
	maps.DeleteFunc(c.where.links, func(key, _ string) bool { return strings.HasPrefix(key, refusedPrefix) })
	c.where.dirty = true
	c.remember()
	return names
}
