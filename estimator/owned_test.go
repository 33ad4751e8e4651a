package estimator

import (
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/methods"
)

// everything has every setting that belongs to some method.
func everything(method string) (r Request) {
	yes, half := true, 0.5
	r.Method = Method{
		ID: method, LoRARank: 4, LoRAAlpha: 4, LoRADropout: &half, LoRATargets: []string{"q_proj"}, RSLoRA: true,
		ModulesToSave: []string{"lm_head"}, TrainableLayers: 2, Quant: "nf4", DoubleQuant: &yes,
	}
	r.Training.AdapterDType = "float32"
	return r
}

// TestOwnedSettings: each setting is refused by a method that does not have
// it and dropped where it is left out, the same ones by both.
func TestOwnedSettings(t *testing.T) {
	for _, id := range methods.IDs() {
		m, _ := methods.Get(id)
		r := everything(id)
		dropped := WithoutForeign(&r)
		full := everything(id)
		for i, o := range owns(m, &full) {
			if !o.given {
				t.Fatalf("the test does not give --%s", o.setting)
			}
			if slices.Contains(dropped, o.setting) == o.mine || owns(m, &r)[i].given != o.mine {
				t.Errorf("%s: --%s is its own: %v, dropped %v", id, o.setting, o.mine, dropped)
			}
			if o.mine {
				continue
			}
			one := everything(id)
			for _, other := range owns(m, &one) {
				if other.setting != o.setting {
					drop(&one, other.setting)
				}
			}
			err := (&resolved{req: one, method: m}).contradictions()
			if refusal, ok := err.(*SettingError); !ok || refusal.Setting != o.setting {
				t.Errorf("%s with --%s: %v", id, o.setting, err)
			}
		}
	}
	if r := everything("nonsense"); WithoutForeign(&r) != nil {
		t.Error("settings of an unknown method are dropped")
	}
}
