package await_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
)

var errEnough = errors.New("enough")

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, began := 0, time.Now()
		err := await.Until(t.Context(), time.Second, func(context.Context) (bool, error) { looks++; return looks == 3, nil })
		if err != nil || looks != 3 || time.Since(began) != 2*time.Second {
			t.Errorf("%d looks in %s, %v", looks, time.Since(began), err)
		}
		if err := await.Until(t.Context(), time.Hour, func(context.Context) (bool, error) { return false, errEnough }); !errors.Is(err, errEnough) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		looks = 0
		if err := await.Until(ctx, time.Minute, func(context.Context) (bool, error) { looks++; return false, nil }); !errors.Is(err, context.DeadlineExceeded) || looks != 2 {
			t.Errorf("%d looks, %v", looks, err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := await.Until(ended, time.Minute, func(context.Context) (bool, error) { return true, nil }); err != nil {
			t.Errorf("it did not look at least once: %v", err)
		}
	})
}

// way is how one of the racers does.
type way struct {
	after time.Duration
	err   error
	signs time.Duration // between two signs of life; 0 gives none
}

func TestRace(t *testing.T) {
	fine, bad := error(nil), errors.New("no")
	for name, tt := range map[string]struct {
		ways    []way
		order   string // index@seconds of each result
		dropped int
		enough  time.Duration
	}{
		"the first answers at once":           {ways: []way{{0, fine, 0}, {0, fine, 0}}, order: "0@0 "},
		"the next starts when one has failed": {ways: []way{{0, bad, 0}, {0, fine, 0}}, order: "0@0 1@0 "},
		"the next starts when one is silent":  {ways: []way{{5 * time.Second, fine, 0}, {0, fine, 0}}, order: "1@1 ", dropped: 1},
		"nobody is bothered while bytes come": {ways: []way{{5 * time.Second, fine, 500 * time.Millisecond}, {0, fine, 0}}, order: "0@5 "},
		"all fail":                            {ways: []way{{0, bad, 0}, {2 * time.Second, bad, 0}}, order: "0@0 1@2 "},
		"enough is enough":                    {ways: []way{{0, bad, 0}, {time.Hour, bad, 0}}, order: "0@0 ", enough: 3 * time.Second},
		"a third starts while two are silent": {ways: []way{{9 * time.Second, fine, 0}, {9 * time.Second, fine, 0}, {0, fine, 0}}, order: "2@2 ", dropped: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dropped, began, order := 0, time.Now(), ""
				r := await.Start(t.Context(), len(tt.ways), time.Second, func(_ context.Context, i int, alive func()) (int, error) {
					w := tt.ways[i]
					for end := time.Now().Add(w.after); time.Now().Before(end); {
						if w.signs == 0 {
							time.Sleep(w.after)
							break
						}
						time.Sleep(w.signs)
						alive()
					}
					return i, w.err
				}, func(int) { dropped++ })
				var enough <-chan time.Time
				if tt.enough > 0 {
					enough = time.After(tt.enough)
				}
				for {
					got, ok := r.Next(enough)
					if !ok {
						break
					}
					order += fmt.Sprintf("%d@%.0f ", got.Index, time.Since(began).Seconds())
					if got.Err == nil {
						break
					}
				}
				r.Stop()
				time.Sleep(2 * time.Hour)
				if order != tt.order || dropped != tt.dropped {
					t.Errorf("order %q, %d dropped", order, dropped)
				}
			})
		})
	}
}
