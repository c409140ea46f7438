//! Mistakes that a scenario shows before it is played: names that nothing has by then, and values that cannot stand where they are put. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::steps::Step;
use super::values::Values;

/// The name of the latest payment.
pub(super) const PAID: &str = "paid";
/// The name that makes a scenario's references its own.
pub(super) const RUN: &str = "run";

/// The first step that cannot be meant, by its line, and why.
pub(super) fn mistake(steps: &[(u64, Step)], given: &BTreeMap<String, String>) -> Option<(u64, String)> {
    let mut values = Values::default();
    values.set(RUN, RUN.into());
    given.iter().for_each(|(name, value)| values.set(name, value.clone().into()));
    // What these are is known when it is played.
    let mut later = BTreeSet::new();
    for (line, step) in steps {
        if let Err(why) = judged(step, &values, &later) {
            return Some((*line, why));
        }
        later.extend(step.names());
    }
    None
}

fn judged(step: &Step, values: &Values, later: &BTreeSet<String>) -> Result<(), String> {
    let written = serde_json::to_value(step).map_err(|error| error.to_string())?;
    let mut paths = Vec::new();
    collect(&written, &mut paths)?;
    let root = |path: &String| path.split('.').next().unwrap_or_default().to_owned();
    for path in paths.iter().filter(|path| !later.contains(&root(path))) {
        values.known(path, later)?;
    }
    if paths.iter().any(|path| later.contains(&root(path))) {
        return Ok(());
    }
    let filled: Step = values.fill(step)?;
    filled.mistake().map_or(Ok(()), Err)
}

/// What stands in `${…}` anywhere in a step.
fn collect(value: &Value, paths: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let mut rest = text.as_str();
            while let Some((_, after)) = rest.split_once("${") {
                let (path, behind) = after.split_once('}').ok_or_else(|| format!("{text:?} has a ${{ without its }}"))?;
                paths.push(path.to_owned());
                rest = behind;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, paths)),
        Value::Object(fields) => fields.values().try_for_each(|field| collect(field, paths)),
        _ => Ok(()),
    }
}
