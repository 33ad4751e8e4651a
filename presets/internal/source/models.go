package source

import (
	"fmt"

	"github.com/vramcalc/vramcalc/estimator/model"
	"gopkg.in/yaml.v3"
)

// Models reads models.yaml.
func Models(text []byte) ([]model.Model, error) {
	return read(text, func(y *modelEntry) (string, model.Model) { return y.ID, y.model() })
}

// modelEntry is one entry of models.yaml; the file's head explains the keys.
type modelEntry struct {
	ID                   string           `yaml:"id"`
	Name                 string           `yaml:"name"`
	HubID                string           `yaml:"hub_id"`
	Aliases              []string         `yaml:"aliases"`
	Family               string           `yaml:"family"`
	Released             string           `yaml:"released"`
	Kind                 string           `yaml:"kind"`
	ModelType            string           `yaml:"model_type"`
	Layers               int64            `yaml:"layers"`
	Hidden               int64            `yaml:"hidden"`
	Heads                int64            `yaml:"heads"`
	KVHeads              int64            `yaml:"kv_heads"`
	HeadDim              int64            `yaml:"head_dim"`
	Intermediate         int64            `yaml:"intermediate"`
	Vocab                int64            `yaml:"vocab"`
	MaxPosition          int64            `yaml:"max_position"`
	TiedEmbeddings       bool             `yaml:"tied_embeddings"`
	EmbedDim             int64            `yaml:"embed_dim"`
	Norm                 model.Norm       `yaml:"norm"`
	NormBias             bool             `yaml:"norm_bias"`
	NormsPerLayer        int64            `yaml:"norms_per_layer"`
	FinalNorm            bool             `yaml:"final_norm"`
	EmbedNorm            bool             `yaml:"embed_norm"`
	QKNorm               model.QKNorm     `yaml:"qk_norm"`
	PostNorm             bool             `yaml:"post_norm"`
	Position             model.Position   `yaml:"position"`
	PositionRows         int64            `yaml:"position_rows"`
	RotaryDim            int64            `yaml:"rotary_dim"`
	NoPELayers           int64            `yaml:"nope_layers"`
	QKVBias              bool             `yaml:"qkv_bias"`
	OutBias              bool             `yaml:"out_bias"`
	MLPBias              bool             `yaml:"mlp_bias"`
	HeadBias             bool             `yaml:"head_bias"`
	ParallelResidual     bool             `yaml:"parallel_residual"`
	Activation           model.Activation `yaml:"activation"`
	Gated                bool             `yaml:"gated"`
	MLPScalars           int64            `yaml:"mlp_scalars"`
	SlidingWindow        int64            `yaml:"sliding_window"`
	SlidingLayers        int64            `yaml:"sliding_layers"`
	EmbedDropout         float64          `yaml:"embed_dropout"`
	AttentionDropout     float64          `yaml:"attention_dropout"`
	ResidualDropout      float64          `yaml:"residual_dropout"`
	LogitSoftcap         float64          `yaml:"logit_softcap"`
	AttentionSoftcap     float64          `yaml:"attention_softcap"`
	Parameters           int64            `yaml:"parameters"`
	ParametersExact      bool             `yaml:"parameters_exact"`
	CheckpointParameters int64            `yaml:"checkpoint_parameters"`
	ActiveParameters     int64            `yaml:"active_parameters"`
	MoE                  facts            `yaml:"moe"`
	MLA                  facts            `yaml:"mla"`
	SSM                  facts            `yaml:"ssm"`
	Vision               facts            `yaml:"vision"`
	Details              facts            `yaml:"details"`
	Notes                []string         `yaml:"notes"`
	Confidence           string           `yaml:"confidence"`
	Source               string           `yaml:"source"`
}

// model fills the engine's type.
func (y *modelEntry) model() model.Model {
	return model.Model{
		ID: y.ID, Name: y.Name, HubID: y.HubID, Family: y.Family, Aliases: y.Aliases, Source: y.Source,
		Released: y.Released, Confidence: y.Confidence, Notes: y.Notes, Facts: y.facts(),
		ModelType: y.ModelType, Kind: y.Kind,
		Layers: y.Layers, Hidden: y.Hidden, Heads: y.Heads, KVHeads: y.KVHeads, HeadDim: y.HeadDim,
		Intermediate: y.Intermediate, Vocab: y.Vocab, MaxPosition: y.MaxPosition,
		TiedEmbeddings: y.TiedEmbeddings, EmbedDim: y.EmbedDim,
		Norm: y.Norm, NormBias: y.NormBias, NormsPerLayer: y.NormsPerLayer, FinalNorm: y.FinalNorm,
		EmbedNorm: y.EmbedNorm, QKNorm: y.QKNorm, PostNorm: y.PostNorm,
		Position: y.Position, PositionRows: y.PositionRows, RotaryDim: y.RotaryDim, NoPELayers: y.NoPELayers,
		QKVBias: y.QKVBias, OutBias: y.OutBias, MLPBias: y.MLPBias, HeadBias: y.HeadBias,
		ParallelResidual: y.ParallelResidual,
		Activation:       y.Activation, Gated: y.Gated, MLPScalars: y.MLPScalars,
		SlidingWindow: y.SlidingWindow, SlidingLayers: y.SlidingLayers,
		EmbedDropout: y.EmbedDropout, AttentionDropout: y.AttentionDropout, ResidualDropout: y.ResidualDropout,
		LogitSoftcap: y.LogitSoftcap, AttentionSoftcap: y.AttentionSoftcap,
		Parameters: y.Parameters, ParametersExact: y.ParametersExact, ActiveParameters: y.ActiveParameters,
	}
}

// facts lists what is only shown.
func (y *modelEntry) facts() []model.Fact {
	var list []model.Fact
	if y.CheckpointParameters > 0 {
		list = append(list, model.Fact{Name: "checkpoint_parameters", Value: fmt.Sprint(y.CheckpointParameters)})
	}
	for _, group := range []struct {
		name  string
		facts facts
	}{{"moe", y.MoE}, {"mla", y.MLA}, {"ssm", y.SSM}, {"vision", y.Vision}, {"", y.Details}} {
		for _, f := range group.facts {
			if group.name != "" {
				f.Name = group.name + "." + f.Name
			}
			list = append(list, f)
		}
	}
	return list
}

// facts is a YAML mapping kept in its order, values as text.
type facts []model.Fact

// UnmarshalYAML implements [yaml.Unmarshaler].
func (f *facts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value, err := flowText(n.Content[i+1])
		if err != nil {
			return err
		}
		*f = append(*f, model.Fact{Name: n.Content[i].Value, Value: value})
	}
	return nil
}

// flowText writes a value on one line.
func flowText(n *yaml.Node) (string, error) {
	if n.Kind == yaml.ScalarNode {
		return n.Value, nil
	}
	out, err := yaml.Marshal(n)
	return string(out[:max(0, len(out)-1)]), err
}
