package presets

import "github.com/vramcalc/vramcalc/estimator/model"

var models = newCatalogue("model", modelTable, func(m *model.Model) names {
	return names{id: m.ID, aliases: m.Aliases, repository: m.HubID}
})

// Model returns the preset that name stands for: an id, an alias or a Hugging
// Face repository, in any case, with "-", "_" and spaces alike. The error is a
// [*NotFoundError] or an [*AmbiguousError]. Its lists are shared: change none.
func Model(name string) (model.Model, error) { return models.find(name) }

// Models returns every model preset in the order of the file.
func Models() []model.Model { return SearchModels("") }

// SearchModels returns the model presets that have every word of pattern in
// one of their names; an empty pattern finds all.
func SearchModels(pattern string) []model.Model { return models.search(pattern) }

// ModelNames returns the ids of all model presets.
func ModelNames() []string { return ids(models.entries()) }
