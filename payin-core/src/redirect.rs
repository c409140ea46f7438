//! Where a payer is sent when an order is over (source: Orders API, "Redirects"): templates filled in, parameters appended. Which URLs a
//! merchant may give is said in `web_url`. It must never lead to another host than the merchant wrote.

use std::fmt::Write as _;

use payin_types::{CreateOrder, OrderStatus};
use url::form_urlencoded;

use crate::order::Facts;

/// A request whose URLs, where it gives none, are those the organization has set: first for success, then for cancelling.
#[must_use]
pub fn resolve(request: CreateOrder, (success, cancel): (Option<String>, Option<String>)) -> CreateOrder {
    CreateOrder { success_url: request.success_url.or(success), cancel_url: request.cancel_url.or(cancel), ..request }
}

/// Where the payer goes now: once an order is completed or has expired, if the merchant gave a URL for that. Other APIs know one URL for both,
/// and document no parameters: nothing is appended to it.
#[must_use]
pub fn target(order: &Facts) -> Option<String> {
    let terms = &order.terms;
    let status = order.status();
    let template = match status {
        OrderStatus::Completed => terms.success_url.as_deref()?,
        OrderStatus::Expired if order.origin.is_some() => terms.success_url.as_deref()?,
        OrderStatus::Expired => terms.cancel_url.as_deref()?,
        _ => return None,
    };
    let amount = terms.amount.to_string();
    let tx_hash = order.payment.as_ref().map_or("", |payment| payment.tx_hash.as_str());
    let appended = [
        ("orderReference", terms.reference.as_str()),
        ("status", status.as_str()),
        ("amount", amount.as_str()),
        ("currency", terms.currency.as_str()),
        ("chainId", terms.chain_id.as_str()),
    ];
    let values: Vec<_> = appended.into_iter().chain([("orderId", order.id.as_str()), ("txHash", tx_hash)]).collect();
    if order.origin.is_some() {
        return Some(fill(template, &values));
    }
    let success = (status == OrderStatus::Completed).then_some(("txHash", tx_hash));
    let appended: Vec<_> = appended.into_iter().chain(success).collect();
    Some(append(&fill(template, &values), &appended))
}

/// Every `{{name}}` that is known becomes its value, percent-encoded so that it stays one piece of the URL. Other text stays as it is, and
/// what was filled in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let (mut filled, mut rest) = (String::with_capacity(template.len()), template);
    while let Some((before, inside)) = rest.split_once("{{") {
        filled.push_str(before);
        let known = inside.split_once("}}").and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match known {
            Some((value, behind)) => {
                filled.push_str(&encoded(value));
                rest = behind;
            }
            None => {
                // One brace only: the next may begin a placeholder, as in "{{{orderId}}".
                filled.push('{');
                rest = rest.get(before.len().saturating_add(1)..).unwrap_or_default();
            }
        }
    }
    filled + rest
}

/// Adds parameters to the query; what the merchant's own URL says under these names goes, everything else and the fragment stay.
fn append(url: &str, parameters: &[(&str, &str)]) -> String {
    let (base, fragment) = url.split_once('#').map_or((url, None), |(base, fragment)| (base, Some(fragment)));
    let (path, query) = base.split_once('?').unwrap_or((base, ""));
    let is_ours = |pair: &str| {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| parameters.iter().any(|(ours, _)| *ours == name))
    };
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_ours(pair)).map(str::to_owned);
    let added = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    let query = kept.chain(added).collect::<Vec<_>>().join("&");
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{path}?{query}{fragment}")
}

/// Percent-encoded but for what no part of a URL gives a meaning to.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests;
