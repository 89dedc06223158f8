package server

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Bounds of what one side reads of the other.
const (
	MaxRequest = 64 << 20 // unpacked
	MaxAnswer  = 32 << 20
	MaxFile    = 16 << 20 // of one managed file
	// MaxShown is how much of a file that differs is sent for a diff.
	MaxShown = 256 << 10
)

// Encode returns a request as it goes to the helper's stdin: JSON, packed with
// gzip, for the link may be bad.
func (r Request) Encode() ([]byte, error) {
	r.Version = Version
	if err := r.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return b.Bytes(), nil
}

// ReadRequest reads one request and all of it: a request that was cut off is
// none. Its error is an *Error.
func ReadRequest(in io.Reader) (Request, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return Request{}, badRequest(err)
	}
	text, err := readAll(z, MaxRequest)
	if err != nil {
		return Request{}, badRequest(err)
	}
	var v struct {
		Version int `json:"raiz"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return Request{}, badRequest(err)
	}
	if v.Version != Version {
		return Request{}, &Error{Code: ErrVersion, Text: fmt.Sprintf("raiz speaks version %d of the language, this helper version %d", v.Version, Version)}
	}
	var r Request
	if err := strict(text, &r); err != nil {
		return Request{}, badRequest(err)
	}
	if err := r.check(); err != nil {
		return Request{}, badRequest(err)
	}
	return r, nil
}

func badRequest(err error) error {
	return &Error{Code: ErrRequest, Text: fmt.Sprintf("read request: %v", err)}
}

func readAll(r io.Reader, limit int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return text, nil
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

// ErrAnswer says that what a server answered is no answer of a helper.
var ErrAnswer = errors.New("the answer of the server is not understood")

// ErrCut says that an answer ends too early: the connection was lost, or the
// helper was ended. What it has done since is not known.
var ErrCut = errors.New("the answer of the server ends too early")

// MaxNoise is how much of what a login prints by itself is passed over.
const MaxNoise = 64 << 10

// begins is what an event or an answer begins with, in the order in which the
// helper writes its fields. Nothing that a login prints looks like that by
// accident; whoever does it on purpose is root there already.
var begins = regexp.MustCompile(`\{"event":"(staged|draining|armed|activating|active|confirmed|reverting|reverted|refused)","at":"|\{"raiz":[0-9]{1,9},"done":`)

// AfterNoise parts what a helper has said from what was printed before, such as
// by the .bashrc of the login. Where nothing of a helper is found all of it is
// the rest.
func AfterNoise(out []byte) (noise, rest []byte) {
	at := begins.FindIndex(out[:min(len(out), MaxNoise+64)])
	if at == nil || at[0] > MaxNoise {
		return nil, out
	}
	return out[:at[0]], out[at[0]:]
}

// ReadAnswer reads the events and the answer that a helper printed. The events
// are returned also with ErrCut.
func ReadAnswer(out []byte) ([]Event, Answer, error) {
	var events []Event
	if len(out) > MaxAnswer {
		return nil, Answer{}, fmt.Errorf("%w: %d bytes", ErrAnswer, len(out))
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, MaxAnswer)
	for lines.Scan() {
		line := lines.Bytes()
		var kind struct {
			Event State `json:"event"`
			Done  bool  `json:"done"`
		}
		if err := json.Unmarshal(line, &kind); err != nil {
			if !bytes.HasSuffix(out, []byte("\n")) {
				return events, Answer{}, ErrCut
			}
			return events, Answer{}, fmt.Errorf("%w: %.80q", ErrAnswer, line)
		}
		if kind.Done {
			a, err := readLast(line)
			return events, a, err
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil || e.Event == NoState {
			return events, Answer{}, fmt.Errorf("%w: %.80q", ErrAnswer, line)
		}
		events = append(events, e)
	}
	return events, Answer{}, ErrCut
}

func readLast(line []byte) (Answer, error) {
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if a.Version != Version {
		return Answer{}, fmt.Errorf("%w: it speaks version %d of the language, this raiz version %d", ErrAnswer, a.Version, Version)
	}
	return a, a.check()
}
