// Reads dashboards as strictly as Grafana's own schema says: what it does not know, what is of another type and what is missing
// but required is told.
//
// In: the names of files. Out: one line for each error, FILE: PATH: REASON. It ends with 1 where there is one.
// The schema is that of grafana-foundation-sdk, which Grafana generates from the schemas of its dashboards and panels.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	// Without them, options of panels would be taken whatever they are.
	plugins.RegisterDefaultPlugins()
	status := 0
	for _, file := range os.Args[1:] {
		for _, err := range check(file) {
			fmt.Printf("%s: %s\n", file, err)
			status = 1
		}
	}
	os.Exit(status)
}

func check(file string) []error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	var read dashboard.Dashboard
	if err := read.UnmarshalJSONStrict(raw); err != nil {
		return each(err)
	}
	return each(read.Validate())
}

func each(err error) []error {
	var several cog.BuildErrors
	if !errors.As(err, &several) {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	told := []error{}
	for _, one := range several {
		told = append(told, one)
	}
	return told
}
