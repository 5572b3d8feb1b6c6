// Asks a data source as Grafana's backend does, and prints the frames that a panel would get.
//
// In: one JSON object per line, {refId, sql, from, to, interval_ms, format}; times in milliseconds since 1970, format as in
// a panel's query (0 time series, 1 table, 2 logs, 3 traces). Out: one line each, {refId, error, frames}.
// Macros are expanded, rows read and frames made by the libraries that Grafana's ClickHouse plugin stands on, in the versions
// that it names in its go.mod; what of it is not published as a module stands in driver.go.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/sqlds/v5"
)

type question struct {
	RefID      string `json:"refId"`
	SQL        string `json:"sql"`
	From       int64  `json:"from"`
	To         int64  `json:"to"`
	IntervalMS int64  `json:"interval_ms"`
	Format     int    `json:"format"`
}

type field struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"`
	Labels map[string]string `json:"labels,omitempty"`
	Values []any             `json:"values"`
}

type frame struct {
	Kind   string  `json:"kind"`
	Fields []field `json:"fields"`
}

type answer struct {
	RefID  string  `json:"refId"`
	Error  string  `json:"error,omitempty"`
	Frames []frame `json:"frames"`
	Took   float64 `json:"ms"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: frames HOST:PORT DATABASE")
		os.Exit(2)
	}
	ctx := context.Background()
	source, err := sqlds.NewDatasource(driver{os.Args[1], os.Args[2]}).NewDatasource(ctx, backend.DataSourceInstanceSettings{UID: "u"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := out.Encode(ask(ctx, source.(*sqlds.SQLDatasource), q)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func ask(ctx context.Context, source *sqlds.SQLDatasource, q question) answer {
	model, _ := json.Marshal(map[string]any{"rawSql": q.SQL, "format": q.Format})
	began := time.Now()
	response, err := source.QueryData(ctx, &backend.QueryDataRequest{
		PluginContext: backend.PluginContext{DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{UID: "u"}},
		Queries: []backend.DataQuery{{
			RefID:     q.RefID,
			JSON:      model,
			Interval:  time.Duration(q.IntervalMS) * time.Millisecond,
			TimeRange: backend.TimeRange{From: time.UnixMilli(q.From).UTC(), To: time.UnixMilli(q.To).UTC()},
		}},
	})
	told := answer{RefID: q.RefID, Frames: []frame{}, Took: float64(time.Since(began).Microseconds()) / 1000}
	if err != nil {
		told.Error = err.Error()
		return told
	}
	for _, one := range response.Responses {
		if one.Error != nil {
			told.Error = one.Error.Error()
		}
		for _, f := range one.Frames {
			told.Frames = append(told.Frames, tell(f))
		}
	}
	return told
}

func tell(f *data.Frame) frame {
	told := frame{Kind: f.TimeSeriesSchema().Type.String(), Fields: []field{}}
	for _, column := range f.Fields {
		values := make([]any, column.Len())
		for row := range values {
			if value, ok := column.ConcreteAt(row); ok {
				values[row] = value
			}
			// JSON has no such number; a panel would show it as it is.
			if number, ok := values[row].(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
				values[row] = fmt.Sprint(number)
			}
		}
		told.Fields = append(told.Fields, field{column.Name, column.Type().ItemTypeString(), column.Labels, values})
	}
	return told
}
