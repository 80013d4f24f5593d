package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// EnvironmentPrefix starts the names of all settings in the environment.
const EnvironmentPrefix = "LUNGBOX_"

// each calls f with every key, e.g. engine.threads, and its value.
func (c *Config) each(f func(key string, value reflect.Value) error) error {
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		section := sections.Field(i)
		prefix := sections.Type().Field(i).Tag.Get("toml")
		for k := range section.NumField() {
			if err := f(prefix+"."+section.Type().Field(k).Tag.Get("toml"), section.Field(k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// keys lists all keys.
func keys() []string {
	var all []string
	var c Config
	_ = c.each(func(key string, _ reflect.Value) error { // never fails: the function does not
		all = append(all, key)
		return nil
	})
	return all
}

// Changed lists the keys that have other values in b than in a.
func Changed(a, b Config) []string {
	values := map[string]any{}
	_ = a.each(func(key string, value reflect.Value) error { // never fails: the function does not
		values[key] = value.Interface()
		return nil
	})
	var changed []string
	_ = b.each(func(key string, value reflect.Value) error {
		if value.Interface() != values[key] {
			changed = append(changed, key)
		}
		return nil
	})
	return changed
}

// EnvironmentName is the variable that sets a key.
func EnvironmentName(key string) string {
	return EnvironmentPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// override sets what the environment says.
func (c *Config) override(environ []string) error {
	set := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		set[name] = value
	}
	return c.each(func(key string, value reflect.Value) error {
		name := EnvironmentName(key)
		text, ok := set[name]
		if !ok {
			return nil
		}
		if err := assign(value, text); err != nil {
			return fmt.Errorf("config: environment %s=%q: %w", name, text, err)
		}
		return nil
	})
}

func assign(value reflect.Value, text string) error {
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("want a whole number")
		}
		value.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("want a number")
		}
		value.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true or false")
		}
		value.SetBool(b)
	default:
		panic("config: a key of kind " + value.Kind().String())
	}
	return nil
}

// nearest is the known key with the fewest edits from the given one.
func nearest(key string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return edits(key, a) - edits(key, b) })
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
