// Reads alert rules as Grafana reads them from a file, and fills in their annotations for an alert.
//
// In: a YAML file by its name; as JSON on standard input an alert, {home, labels, value}. Out: JSON, annotations by the uid of their
// rule. What the file's schema does not know, or does not allow, is said, and ends with 1.
// The schema is Grafana's own, of its HTTP API's export of such files; annotations are filled in by Prometheus' templates, which
// Grafana uses, with the variables that it puts before them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/models"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
	"go.yaml.in/yaml/v3"
)

type alert struct {
	Home   string            `json:"home"`
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

// What Grafana's templates see of an alert.
type seen struct {
	Labels map[string]string
	Values map[string]value
	Value  string
}

type value struct {
	Labels map[string]string
	Value  float64
}

const variables = "{{- $labels := .Labels -}}{{- $values := .Values -}}{{- $value := .Value -}}"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rules FILE <ALERT")
		os.Exit(2)
	}
	told, err := read(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(told)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) (map[string]map[string]string, error) {
	file, err := parse(name)
	if err != nil {
		return nil, err
	}
	var fires alert
	if err := json.NewDecoder(os.Stdin).Decode(&fires); err != nil {
		return nil, err
	}
	told := map[string]map[string]string{}
	for _, group := range file.Groups {
		if _, err := model.ParseDuration(group.Interval); err != nil {
			return nil, err
		}
		for _, rule := range group.Rules {
			if _, err := model.ParseDuration(rule.For); err != nil {
				return nil, fmt.Errorf("%s: %w", rule.UID, err)
			}
			told[rule.UID] = map[string]string{}
			for name, text := range rule.Annotations {
				if told[rule.UID][name], err = fill(text, fires); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", rule.UID, name, err)
				}
			}
		}
	}
	return told, nil
}

func parse(name string) (*models.AlertingFileExport, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	same, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	strict := json.NewDecoder(bytes.NewReader(same))
	strict.DisallowUnknownFields()
	var file models.AlertingFileExport
	if err := strict.Decode(&file); err != nil {
		return nil, err
	}
	return &file, file.Validate(strfmt.Default)
}

func fill(text string, fires alert) (string, error) {
	home, err := url.Parse(fires.Home)
	if err != nil {
		return "", err
	}
	nothing := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	sees := seen{Labels: fires.Labels, Values: map[string]value{"A": {fires.Labels, fires.Value}, "B": {fires.Labels, 1}}}
	expander := template.NewTemplateExpander(context.Background(), variables+text, "annotation", sees, model.Now(), nothing, home, []string{"missingkey=invalid"})
	return expander.Expand()
}
