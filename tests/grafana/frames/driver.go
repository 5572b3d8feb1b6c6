package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
	"github.com/grafana/sqlds/v5"
	"github.com/shopspring/decimal"
)

// A ClickHouse data source that is set to the protocol http.
type driver struct{ address, database string }

func (d driver) Connect(context.Context, backend.DataSourceInstanceSettings, json.RawMessage) (*sql.DB, error) {
	return clickhouse.OpenDB(&clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{d.address},
		Auth:        clickhouse.Auth{Database: d.database},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionGZIP}, // as the plugin has it by HTTP
		DialTimeout: 10 * time.Second,
		ReadTimeout: 60 * time.Second,
	}), nil
}

func (driver) Settings(context.Context, backend.DataSourceInstanceSettings) sqlds.DriverSettings {
	return sqlds.DriverSettings{Timeout: 60 * time.Second, FillMode: &data.FillMissing{Mode: data.FillModeNull}}
}

// The macros that the dashboards use, as they stand in the plugin.
func (driver) Macros() sqlds.Macros {
	milliseconds := func(at time.Time) string { return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", at.UnixMilli()) }
	return sqlds.Macros{
		"fromTime_ms": func(q *sqlutil.Query, _ []string) (string, error) { return milliseconds(q.TimeRange.From), nil },
		"toTime_ms":   func(q *sqlutil.Query, _ []string) (string, error) { return milliseconds(q.TimeRange.To), nil },
		"interval_s": func(q *sqlutil.Query, _ []string) (string, error) {
			return fmt.Sprint(int(math.Max(q.Interval.Seconds(), 1))), nil
		},
	}
}

// How columns become fields: numbers stay what they are, decimals become floating point numbers, structures JSON.
func (driver) Converters() []sqlutil.Converter {
	identity := func(v string) (string, error) { return v, nil }
	converters := []sqlutil.Converter{}
	converters = append(converters, plain("String|LowCardinality\\(String\\)|Enum.*|FixedString.*|UUID", identity)...)
	converters = append(converters, plain("DateTime.*|Date|Date32", same[time.Time])...)
	converters = append(converters, plain("Decimal.*", func(v decimal.Decimal) (float64, error) { return v.InexactFloat64(), nil })...)
	converters = append(converters, plain("Bool", same[bool])...)
	converters = append(converters, plain("UInt8", same[uint8])...)
	converters = append(converters, plain("UInt16", same[uint16])...)
	converters = append(converters, plain("UInt32", same[uint32])...)
	converters = append(converters, plain("UInt64", same[uint64])...)
	converters = append(converters, plain("Int8", same[int8])...)
	converters = append(converters, plain("Int16", same[int16])...)
	converters = append(converters, plain("Int32", same[int32])...)
	converters = append(converters, plain("Int64", same[int64])...)
	converters = append(converters, plain("Float32", same[float32])...)
	converters = append(converters, plain("Float64", same[float64])...)
	return append(converters, sqlutil.Converter{
		Name:           "structures",
		InputTypeRegex: regexp.MustCompile(`^(Array|Map|Tuple|Nested)\(`),
		InputScanType:  reflect.TypeOf((*any)(nil)).Elem(),
		FrameConverter: sqlutil.FrameConverter{
			FieldType: data.FieldTypeJSON,
			ConverterFunc: func(in any) (any, error) {
				text, err := json.Marshal(*in.(*any))
				return json.RawMessage(text), err
			},
		},
	})
}

func same[T any](value T) (T, error) { return value, nil }

// A converter for a type, and one for the same that may be NULL.
func plain[In, Out any](types string, convert func(In) (Out, error)) []sqlutil.Converter {
	var out Out
	return []sqlutil.Converter{
		{
			Name:           types,
			InputTypeRegex: regexp.MustCompile("^(" + types + ")$"),
			InputScanType:  reflect.TypeOf((*In)(nil)).Elem(),
			FrameConverter: sqlutil.FrameConverter{
				FieldType:     data.FieldTypeFor(out),
				ConverterFunc: func(in any) (any, error) { return convert(*in.(*In)) },
			},
		},
		{
			Name:           "nullable " + types,
			InputTypeRegex: regexp.MustCompile(`^(Nullable|LowCardinality\(Nullable)\((` + types + `)\)+$`),
			// Of a pointer's type the SDK makes a new one of what it points to: this is scanned into a **In.
			InputScanType: reflect.TypeOf((**In)(nil)),
			FrameConverter: sqlutil.FrameConverter{
				FieldType: data.FieldTypeFor(out).NullableType(),
				ConverterFunc: func(in any) (any, error) {
					value := *in.(**In)
					if value == nil {
						return (*Out)(nil), nil
					}
					converted, err := convert(*value)
					return &converted, err
				},
			},
		},
	}
}
