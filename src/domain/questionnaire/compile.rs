//! From a document to a questionnaire that can be run: names are bound, types checked, circles refused, cost bounded.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::bind::{ATTRIBUTES, Binder, Expr, Type};
use super::document::{self, Check, Draft, Item, Kind, Problem, Problems, Rule, step};
use super::expr::{self, Node, Syntax, Wrong};
use super::{LoopSets, Questionnaire};

/// What all expressions of one visit may cost together, in additions.
const MAX_COST: u64 = 2_000_000;

/// Reads, binds and checks a document against the campaign's products, brands and shelves.
///
/// # Errors
/// Every problem found, never only the first (at most 200).
pub fn compile(document: &Value, sets: &LoopSets) -> Result<Questionnaire, Vec<Problem>> {
    let mut problems = Problems::default();
    let Some(mut draft) = document::read(document, sets, &mut problems) else { return Err(problems.0) };
    let names = Names::of(&draft.items, &draft.roots, &mut problems);
    let mut bound = Bound { names: &names, cost: 0, patterns: draft.patterns, problems: &mut problems };
    let reads = bound.rules(&mut draft);
    bound.barcodes(&mut draft);
    bound.photos(&mut draft);
    let checks = bound.checks(&draft);
    let cost = bound.cost;
    if cost > MAX_COST {
        let detail = format!("all expressions over all rounds come to {cost} steps; at most {MAX_COST}");
        problems.add("", "", "", "expression_too_costly", detail);
    }
    let order = order(&draft.items, &reads, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    Ok(Questionnaire {
        id: draft.id,
        version: draft.version,
        languages: draft.languages,
        items: draft.items,
        roots: draft.roots,
        checks,
        order,
        document: document.clone(),
    })
}

/// Finds items by name. Sections make no scope; a loop does.
pub(super) struct Names {
    scoped: HashMap<(Option<usize>, String), usize>,
    all: HashMap<String, Vec<usize>>,
}

impl Names {
    fn of(items: &[Item], roots: &[usize], problems: &mut Problems) -> Names {
        debug_assert!(roots.iter().all(|&id| items[id].parent.is_none()));
        let mut names = Names { scoped: HashMap::new(), all: HashMap::new() };
        for (id, item) in items.iter().enumerate() {
            let scope = item.loops.last().copied();
            if let Some(&first) = names.scoped.get(&(scope, item.name.clone())) {
                let detail = format!("`{}` has this name already", items[first].path);
                problems.add(&item.path, &format!("{}/name", item.pointer), "name", "duplicate_name", detail);
                continue;
            }
            names.scoped.insert((scope, item.name.clone()), id);
            names.all.entry(item.name.clone()).or_default().push(id);
        }
        names
    }

    /// The nearest item of this name: in the innermost loop, then in the loops around it, then in the document.
    pub fn near(&self, name: &str, loops: &[usize]) -> Option<usize> {
        (0..=loops.len()).rev().find_map(|depth| {
            let scope = loops[..depth].last().copied();
            self.scoped.get(&(scope, name.to_owned())).copied()
        })
    }

    pub fn in_loop(&self, name: &str, id: usize) -> Option<usize> {
        self.scoped.get(&(Some(id), name.to_owned())).copied()
    }

    /// All items of this name, wherever they are.
    pub fn anywhere(&self, name: &str) -> impl Iterator<Item = usize> {
        self.all.get(name).into_iter().flatten().copied()
    }
}

struct Bound<'a> {
    names: &'a Names,
    cost: u64,
    patterns: usize,
    problems: &'a mut Problems,
}

impl Bound<'_> {
    /// Binds all rules of all items; answers which items each item's own visibility and value depend on.
    fn rules(&mut self, draft: &mut Draft) -> Vec<Vec<usize>> {
        let mut reads = vec![Vec::new(); draft.items.len()];
        let mut parsed: Vec<(usize, &'static str, String, Syntax)> = Vec::new();
        for waiting in std::mem::take(&mut draft.waiting) {
            match expr::parse(&waiting.text) {
                Ok(tree) => parsed.push((waiting.item, waiting.field, waiting.text, tree)),
                Err(wrong) => self.refuse(&draft.items[waiting.item], waiting.field, wrong),
            }
        }
        // A calculation is bound once those it reads are, so that their types are known.
        let (mut calculations, others): (Vec<_>, Vec<_>) = parsed.into_iter().partition(|p| p.1 == "calculation");
        loop {
            let ready = calculations.iter().position(|(id, _, _, tree)| {
                let mut waits = Vec::new();
                self.reads_computed(tree, &draft.items, &draft.items[*id].loops, &mut waits);
                waits.is_empty()
            });
            let Some(ready) = ready else { break };
            let (id, field, text, tree) = calculations.swap_remove(ready);
            let found = self.bind(draft, id, field, text, &tree, &mut reads[id]);
            draft.items[id].kind = Kind::Computed { result: Some(found.unwrap_or(Type::Nothing)) };
        }
        for (id, field, _, tree) in &calculations {
            let detail = "this calculation leads back to itself";
            self.refuse(&draft.items[*id], field, Wrong::new(tree.column, "cycle", detail));
        }
        for (id, field, text, tree) in others {
            let mut ignored = Vec::new();
            let into = if field == "relevant" { &mut reads[id] } else { &mut ignored };
            self.bind(draft, id, field, text, &tree, into);
        }
        reads
    }

    /// Computed items without a type yet that the tree names.
    fn reads_computed(&self, tree: &Syntax, items: &[Item], loops: &[usize], found: &mut Vec<usize>) {
        match &tree.node {
            Node::Name(name) => {
                if name.split_once('.').is_some_and(|(_, attribute)| ATTRIBUTES.contains(&attribute)) {
                    return;
                }
                let name = name.rsplit('.').next().unwrap_or(name);
                let waits = |id: &usize| matches!(items[*id].kind, Kind::Computed { result: None });
                match self.names.near(name, loops) {
                    Some(id) => found.extend(Some(id).filter(waits)),
                    None => found.extend(self.names.anywhere(name).filter(waits)),
                }
            }
            Node::Number(_) | Node::Text(_) | Node::Dot => {}
            Node::Negate(x) => self.reads_computed(x, items, loops, found),
            Node::Binary(_, a, b) => {
                self.reads_computed(a, items, loops, found);
                self.reads_computed(b, items, loops, found);
            }
            Node::Call(_, arguments) => arguments.iter().for_each(|a| self.reads_computed(a, items, loops, found)),
        }
    }

    fn bind(
        &mut self,
        draft: &mut Draft,
        id: usize,
        field: &'static str,
        text: String,
        tree: &Syntax,
        reads: &mut Vec<usize>,
    ) -> Option<Type> {
        let item = &draft.items[id];
        let attributes = choice_attributes(item);
        let mut binder = Binder {
            names: self.names,
            items: &draft.items,
            loops: &item.loops,
            dot: matches!(field, "constraint" | "flag_if").then_some(id),
            choice: (field == "choice_filter").then_some(attributes.as_slice()),
            reads: Vec::new(),
            cost: 0,
            patterns: self.patterns,
        };
        let bound = if field == "calculation" {
            binder.any(tree).and_then(|(expr, found)| match found {
                Type::Bool | Type::YesNo | Type::Number | Type::Text | Type::Date => Ok((expr, found)),
                _ => Err(Wrong::new(tree.column, "type_mismatch", "a calculation gives a truth, number, text or date")),
            })
        } else {
            binder.truth(tree).map(|expr| (expr, Type::Bool))
        };
        let choices = item.choice_names().map_or(1, |names| if field == "choice_filter" { names.len() } else { 1 });
        self.cost = self.cost.saturating_add(binder.cost.saturating_mul((item.instances * choices.max(1)) as u64));
        self.patterns = binder.patterns;
        reads.append(&mut binder.reads);
        match bound {
            Ok((expr, found)) => {
                draft.items[id].rules.insert(field, Rule { text, expr });
                Some(found)
            }
            Err(wrong) => {
                self.refuse(&draft.items[id], field, wrong);
                None
            }
        }
    }

    fn refuse(&mut self, item: &Item, field: &str, wrong: Wrong) {
        self.problems.push(Problem {
            path: item.path.clone(),
            pointer: format!("{}/{field}", item.pointer),
            field: field.to_owned(),
            column: Some(wrong.column),
            code: wrong.code,
            detail: wrong.detail,
        });
    }

    /// An expected code is written out, or is a reference such as `${product.gtin}`.
    fn barcodes(&mut self, draft: &mut Draft) {
        for id in 0..draft.items.len() {
            let Some(list) = draft.items[id].written.get("expected_gtins").and_then(Value::as_array).cloned() else {
                continue;
            };
            let mut found = Vec::new();
            for text in list.iter().filter_map(Value::as_str) {
                if !text.starts_with("${") {
                    if super::answers::is_gtin(text) {
                        found.push(Expr::Text(text.to_owned()));
                    } else {
                        let wrong = Wrong::new(1, "check_digit", format!("`{}` is not a GTIN", expr::brief(text)));
                        self.refuse(&draft.items[id], "expected_gtins", wrong);
                    }
                    continue;
                }
                let item = &draft.items[id];
                let mut binder = self.binder(&draft.items, &item.loops);
                let bound = expr::parse(text).and_then(|tree| match binder.any(&tree)? {
                    (expr, Type::Text) => Ok(expr),
                    _ => Err(Wrong::new(1, "type_mismatch", "expected a text, such as ${product.gtin}")),
                });
                self.cost = self.cost.saturating_add(binder.cost.saturating_mul(item.instances as u64));
                match bound {
                    Ok(expr) => found.push(expr),
                    Err(wrong) => self.refuse(&draft.items[id], "expected_gtins", wrong),
                }
            }
            if let Kind::Barcode { expected, .. } = &mut draft.items[id].kind {
                *expected = found;
            }
        }
    }

    fn binder<'b>(&'b self, items: &'b [Item], loops: &'b [usize]) -> Binder<'b> {
        Binder {
            names: self.names,
            items,
            loops,
            dot: None,
            choice: None,
            reads: Vec::new(),
            cost: 0,
            patterns: self.patterns,
        }
    }

    fn photos(&mut self, draft: &mut Draft) {
        for id in 0..draft.items.len() {
            let item = &draft.items[id];
            let names: Vec<String> = match item.written.get("photo_of") {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => continue,
            };
            let mut found = Vec::new();
            for name in names {
                let near = self.names.near(&name, &item.loops).or_else(|| {
                    let mut all = self.names.anywhere(&name);
                    all.next().filter(|_| all.next().is_none())
                });
                match near {
                    Some(target) if target != id && !draft.items[target].is_container() => found.push(target),
                    _ => {
                        let detail = format!("no question is named `{name}`, or several are");
                        let pointer = format!("{}/photo_of", item.pointer);
                        self.problems.add(&item.path, &pointer, "photo_of", "unknown_name", detail);
                    }
                }
            }
            if let Kind::Photo(rules) = &mut draft.items[id].kind {
                rules.photo_of = found;
            }
        }
    }

    fn checks(&mut self, draft: &Draft) -> Vec<Check> {
        let mut found = Vec::new();
        for (n, written) in draft.checks.iter().enumerate().filter(|(_, written)| !written.is_empty()) {
            let text = |field: &str| written.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (code, pointer) = (text("code"), format!("/checks/{n}"));
            let path = format!("checks.{code}");
            let mut over = None;
            if let Some(name) = written.get("loop").and_then(Value::as_str) {
                over = self.names.anywhere(name).find(|&id| draft.items[id].is_loop());
                if over.is_none() {
                    let detail = format!("no loop is named `{name}`");
                    self.problems.add(&path, &format!("{pointer}/loop"), "loop", "unknown_name", detail);
                    continue;
                }
            }
            let loops: Vec<usize> =
                over.map(|id| draft.items[id].loops.iter().copied().chain([id]).collect()).unwrap_or_default();
            let rounds: usize = loops.iter().map(|&id| super::eval::rounds_of(&draft.items, id)).product();
            let mut side = |field: &str| {
                let mut binder = self.binder(&draft.items, &loops);
                let bound = expr::parse(&text(field)).and_then(|tree| binder.truth(&tree));
                let (cost, patterns) = (binder.cost.saturating_mul(rounds as u64), binder.patterns);
                self.patterns = patterns;
                self.cost = self.cost.saturating_add(cost);
                match bound {
                    Ok(expr) => Some(Rule { text: text(field), expr }),
                    Err(wrong) => {
                        self.problems.push(Problem {
                            path: path.clone(),
                            pointer: format!("{pointer}/{field}"),
                            field: field.to_owned(),
                            column: Some(wrong.column),
                            code: wrong.code,
                            detail: wrong.detail,
                        });
                        None
                    }
                }
            };
            if let (Some(when), Some(then)) = (side("when"), side("then")) {
                let label = written.get("label").cloned();
                found.push(Check { code, label, over, when, then, written: written.clone() });
            }
        }
        found
    }
}

fn choice_attributes(item: &Item) -> Vec<String> {
    let (Kind::SingleChoice { choices, .. } | Kind::MultiChoice { choices, .. }) = &item.kind else {
        return Vec::new();
    };
    let mut known: Vec<String> = choices.iter().flat_map(|c| c.attributes.keys().cloned()).collect();
    known.push("name".to_owned());
    known
}

/// An order in which each item comes after its container and after all that its relevance and calculation read.
fn order(items: &[Item], reads: &[Vec<usize>], problems: &mut Problems) -> Vec<usize> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; items.len()];
    let mut order = Vec::with_capacity(items.len());
    let mut refused = BTreeMap::new();
    for start in 0..items.len() {
        // Depth first with a stack of our own: an item and how many of its needs were looked at.
        let mut stack = Vec::new();
        if state[start] == NEW {
            state[start] = OPEN;
            stack.push((start, 0));
        }
        while let Some((id, looked)) = stack.last_mut() {
            let id = *id;
            let next = items[id].parent.iter().chain(&reads[id]).nth(*looked).copied();
            *looked += 1;
            match next {
                None => {
                    state[id] = DONE;
                    order.push(id);
                    stack.pop();
                }
                Some(next) if state[next] == NEW => {
                    state[next] = OPEN;
                    stack.push((next, 0));
                }
                Some(next) if state[next] == OPEN => {
                    let from = stack.iter().position(|(open, _)| *open == next).unwrap_or(0);
                    let circle: Vec<&str> = stack[from..].iter().map(|(id, _)| items[*id].path.as_str()).collect();
                    refused.insert(next, circle.join(" -> "));
                }
                Some(_) => {}
            }
        }
    }
    for (id, circle) in refused {
        let item = &items[id];
        let field = if item.written.contains_key("relevant") { "relevant" } else { "calculation" };
        let pointer = format!("{}/{}", item.pointer, step(field));
        let detail = format!("what this item needs leads back to it: {}", expr::brief(&circle));
        problems.add(&item.path, &pointer, field, "cycle", detail);
    }
    order
}
