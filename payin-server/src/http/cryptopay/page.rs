//! What a payer sees: a page of an order, and its address as a QR code. It has no script, and shows nothing but the order; whoever knows the
//! order's id may see it.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payin_core::Error;
use payin_core::cryptopay::{self as rules, NAME, Named};
use payin_types::cryptopay::{PaymentOrder, PaymentOrderStatus};
use qrcode::QrCode;
use qrcode::render::svg;
use sha2::{Digest as _, Sha256};

use super::orders::nothing_as_named;
use crate::app::dialect::{self, Through};
use crate::app::{App, Fault};
use crate::http::answer::Reject;
use crate::http::checkout::Visitor;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dd{margin:0;overflow-wrap:anywhere}img{width:14rem;height:14rem}\
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}a{color:#8ab4f8}img{background:#fff}}";

/// How often the page looks again while there is something to wait for.
const REFRESH_S: u64 = 10;

/// An order by what its payer has of it: its id, which cannot be guessed. Its number is its merchant's.
async fn find(app: &App, id: &str) -> Result<Through, Reject> {
    let not_found = || Error::not_found("Payment order", id);
    match rules::named(id) {
        Some(Named::Id(id)) => Ok(dialect::find(app, NAME, id.as_str()).await.map_err(|failure| nothing_as_named(failure, not_found))?),
        _ => Err(not_found().into()),
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, letter| {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
        safe
    })
}

fn html(order: &PaymentOrder) -> String {
    let (title, waits) = match &order.status {
        PaymentOrderStatus::Confirmed => ("Paid. Thank you.", false),
        PaymentOrderStatus::Expired => ("The time to pay is over", false),
        PaymentOrderStatus::Failed => ("The payment was taken back by its chain", true),
        _ if order.transaction.is_some() => ("Payment seen, waiting for confirmations", true),
        _ => ("Waiting for payment", true),
    };
    let refresh = if waits { format!("<meta http-equiv=\"refresh\" content=\"{REFRESH_S}\">") } else { String::new() };
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">{refresh}\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
    );
    let pays = order.status == PaymentOrderStatus::Pending && order.transaction.is_none();
    if pays {
        // Writing to a String does not fail.
        let _ = write!(page, "<img src=\"{}\" alt=\"The address as a QR code\">", escaped(&order.qr_code_url));
    }
    let mut rows = vec![
        ("Order", order.order_id.clone()),
        ("Amount", format!("{} {}", order.amount, order.currency)),
        ("Blockchain", order.blockchain.clone()),
        ("Status", order.status.to_string()),
    ];
    if pays {
        rows.push(("Address", order.receiving_address.clone()));
        rows.push(("Pay before", order.expires_at.to_string()));
    }
    rows.extend(order.transaction.as_ref().map(|transaction| ("Transaction", transaction.transaction_hash.clone())));
    page.push_str("<dl>");
    for (name, value) in rows {
        let _ = write!(page, "<dt>{name}</dt><dd>{}</dd>", escaped(&value));
    }
    page.push_str("</dl>");
    if pays {
        let (currency, blockchain) = (escaped(order.currency.as_str()), escaped(&order.blockchain));
        let _ = write!(
            page,
            "<p>Send exactly this amount of {currency}, on {blockchain}. Other tokens, and the native coin, do not count.</p>"
        );
    }
    if let Some(url) = order.redirect_url.as_deref().filter(|_| !pays) {
        let _ = write!(page, "<p><a href=\"{}\" rel=\"noreferrer\">Back to the shop</a></p>", escaped(url));
    }
    page.push_str("</main></body></html>");
    page
}

/// An answer that may show what it has within it, and this server's images: nothing runs, nothing is sent, nobody frames it.
fn document(content_type: &'static str, text: String) -> Result<Response, Reject> {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; img-src 'self'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(|error| Fault::Corrupt(error.to_string()))?;
    let constant = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let headers = [
        constant(header::CONTENT_TYPE, content_type),
        constant(header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
        constant(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        constant(header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, text).into_response())
}

/// `GET /order/{id}`: the page.
pub async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    let found = find(&visitor.app, &id).await?;
    let order = rules::payment_order(&found.shown.facts, found.number.unwrap_or_default(), found.shown.head, None);
    document("text/html; charset=utf-8", html(&order))
}

/// `GET /qr/{id}`: the address as a QR code.
pub async fn code(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    let found = find(&visitor.app, &id).await?;
    let address = found.shown.facts.address.as_str();
    let code = QrCode::new(address).map_err(|error| Fault::Corrupt(format!("{address} as a QR code: {error}")))?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(256, 256).quiet_zone(true).build();
    document("image/svg+xml", image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(escaped("<a href='x' b=\"&\">"), "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;");
    }
}
