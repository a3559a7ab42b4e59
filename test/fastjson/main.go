// Reads what cases.ts wrote and checks it with fastjson, the parser of Falco's k8saudit plugin:
// every body must parse, hold the events it should hold, and give the same first values for every key as the event gave before it was stamped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/valyala/fastjson"
)

// A body and the events in it.
type body struct {
	File     string `json:"file"`
	MaxBytes int    `json:"maxBytes"`
	Events   []struct {
		// The event's text before it was prepared, base64.
		Original []byte `json:"original"`
		// Parts were left out: only the identifying members are compared.
		Reduced bool        `json:"reduced"`
		Stamps  [][2]string `json:"stamps"`
	} `json:"events"`
}

// A text, and whether our lexer takes it for one JSON value.
type verdict struct {
	Text     []byte `json:"text"`
	Accepted bool   `json:"accepted"`
}

var faults int

func fault(format string, arguments ...any) {
	faults++
	if faults <= 20 {
		fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	}
}

func lines(path string, each func([]byte)) {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 256<<20)
	for scanner.Scan() {
		each(scanner.Bytes())
	}
	if scanner.Err() != nil {
		panic(scanner.Err())
	}
}

func main() {
	folder := os.Args[1]
	bodies, events, texts := 0, 0, 0
	lines(filepath.Join(folder, "bodies.ndjson"), func(line []byte) {
		var b body
		if err := json.Unmarshal(line, &b); err != nil {
			panic(err)
		}
		bodies++
		events += len(b.Events)
		checkBody(folder, b)
	})
	lines(filepath.Join(folder, "texts.ndjson"), func(line []byte) {
		var v verdict
		if err := json.Unmarshal(line, &v); err != nil {
			panic(err)
		}
		texts++
		_, err := fastjson.ParseBytes(v.Text)
		if (err == nil) != v.Accepted {
			fault("text %q: our lexer says %v, fastjson says %v", v.Text, v.Accepted, err)
		}
	})
	fmt.Printf("fastjson: %d bodies with %d events, %d texts compared, %d faults\n", bodies, events, texts, faults)
	if faults > 0 || bodies == 0 || texts == 0 {
		os.Exit(1)
	}
}

func checkBody(folder string, b body) {
	text, err := os.ReadFile(filepath.Join(folder, b.File))
	if err != nil {
		panic(err)
	}
	list, err := fastjson.ParseBytes(text)
	if err != nil {
		fault("%s: fastjson refuses the body: %v", b.File, err)
		return
	}
	items := list.GetArray("items")
	if string(list.GetStringBytes("kind")) != "EventList" || len(items) != len(b.Events) {
		fault("%s: kind %s with %d items, expected an EventList with %d", b.File, list.Get("kind"), len(items), len(b.Events))
		return
	}
	for i, item := range items {
		where := fmt.Sprintf("%s item %d", b.File, i)
		expected := b.Events[i]
		// As the plugin does: kind and stageTimestamp are looked up, then the event is written anew.
		if string(item.GetStringBytes("kind")) != "Event" || item.Get("auditID") == nil {
			fault("%s: no Event with an auditID", where)
		}
		if _, err := time.Parse(time.RFC3339Nano, string(item.GetStringBytes("stageTimestamp"))); err != nil {
			fault("%s: stageTimestamp: %v", where, err)
		}
		written := item.MarshalTo(nil)
		if len(written) > b.MaxBytes {
			fault("%s: %d bytes, expected at most %d", where, len(written), b.MaxBytes)
		}
		original, err := fastjson.ParseBytes(expected.Original)
		if err != nil && !expected.Reduced {
			fault("%s: original: %v", where, err)
			continue
		}
		// Twice: a look-up that misses makes fastjson compare the unescaped keys of that object from then on.
		for round := 0; round < 2; round++ {
			for _, stamp := range expected.Stamps {
				if got := string(item.GetStringBytes("annotations", stamp[0])); got != stamp[1] {
					fault("%s round %d: annotation %s reads %q, expected %q", where, round, stamp[0], got, stamp[1])
				}
			}
			if err == nil {
				compare(where, original, item, expected.Reduced)
			}
			for _, value := range []*fastjson.Value{item, original} {
				if value != nil {
					value.Get("no-such-key")
					value.Get("annotations", "no-such-key")
				}
			}
		}
	}
}

func compare(where string, original, item *fastjson.Value, reduced bool) {
	keys := []string{"auditID", "stage", "verb", "stageTimestamp", "requestReceivedTimestamp"}
	if !reduced {
		original.GetObject().Visit(func(key []byte, _ *fastjson.Value) { keys = append(keys, string(key)) })
	}
	for _, key := range keys {
		if key == "annotations" {
			continue
		}
		if before, after := text(original.Get(key)), text(item.Get(key)); before != after {
			fault("%s: %s reads %.200s, before it was stamped %.200s", where, key, after, before)
		}
	}
}

func text(value *fastjson.Value) string {
	if value == nil {
		return "(absent)"
	}
	return string(value.MarshalTo(nil))
}
