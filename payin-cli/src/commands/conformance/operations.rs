//! What came of each operation of `openapi.yaml`, and of each rule that holds for every answer. It must not ask anybody.

use super::check::Row;
use super::contract::{Operation, SANDBOX};
use super::rules;
use super::suite::{Seen, Suite};

/// Operations of which only refusals are tried, and why.
const REFUSALS: &[(&str, &str)] = &[
    ("importAddresses", "only refusals are tried: an address stays in the pool for good"),
    ("archiveAddress", "only refusals are tried: an address that is put away is handed out to nobody"),
    ("restoreAddress", "only refusals are tried: what is put away was put away on purpose"),
    ("putSetting", "only refusals are tried: a setting holds for everybody"),
    ("resendEvents", "only refusals are tried: events of others would be sent again"),
];

/// Why most of a sandbox's own operations are left alone.
const OTHERS_SANDBOX: &str = "it would change the sandbox for everybody in it";

/// Adds a row for each rule and each operation, and for each check that was not come to.
pub fn settle(suite: &mut Suite<'_>) {
    let missing: Vec<_> = super::groups::all().filter(|check| suite.rows.iter().all(|row| row.check != check.name)).collect();
    for check in missing {
        let why = suite.lacks(check.needs).unwrap_or_else(|| suite.unreached.to_owned());
        suite.rows.push(Row::passed(&check).skipped(why));
    }
    for rule in rules::ALL {
        let row = Row::passed(rule).note(format!("{} answers", suite.answers));
        suite.rows.push(match suite.tallies.remove(rule.name) {
            None => row,
            Some(tally) => {
                let note = format!("{} of {} answers are so", tally.times, suite.answers);
                tally.wrong.map_or_else(|| Row::passed(rule), |wrong| Row::passed(rule).failed(wrong)).note(note)
            }
        });
    }
    for operation in suite.operations.clone() {
        let seen = suite.seen.remove(&operation.id).unwrap_or_default();
        let row = row(suite, &operation, seen);
        suite.rows.push(row);
    }
}

fn row(suite: &Suite<'_>, operation: &Operation, seen: Seen) -> Row {
    let Operation { id, method, path, tag, .. } = operation;
    let says = format!("{method} {path} answers as openapi.yaml describes it");
    let row = Row::of(format!("operations.{id}"), says, format!("openapi.yaml: {id}"));
    let counts = seen.statuses.iter().map(|(status, count)| format!("{status} ×{count}")).collect::<Vec<_>>().join(", ");
    let why = REFUSALS.iter().find(|(name, _)| name == id).map(|(_, why)| *why);
    if let Some(wrong) = seen.wrong {
        return row.failed(wrong).note(counts);
    }
    // That it is refused to a weaker role says nothing of what it does.
    if seen.statuses.keys().any(|status| *status != 403) {
        return row.note(why.map_or_else(|| counts.clone(), |why| format!("{counts}; {why}")));
    }
    let is_allowed = suite.standing.role.as_ref().is_none_or(|role| operation.roles.is_empty() || operation.roles.contains(role));
    row.skipped(match (tag.as_str(), suite.standing.read_only) {
        _ if suite.missing.contains(id) => "not offered by this server".to_owned(),
        (SANDBOX, _) if !suite.standing.sandbox => "the server is no sandbox".to_owned(),
        _ if !is_allowed => format!("the role of the key is {}", suite.standing.role.as_deref().unwrap_or_default()),
        (SANDBOX, _) => OTHERS_SANDBOX.to_owned(),
        (_, Some(why)) => why.to_owned(),
        _ => suite.unreached.to_owned(),
    })
}
