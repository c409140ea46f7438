//! `/dashboard`: what merchants do by hand, in a browser. Everything goes through the same use cases and the same roles as the API; what
//! somebody may not do there they cannot do here. Pages are rendered here and work without a script.

mod account;
mod addresses;
mod chains;
mod chart;
mod csv;
mod deposits;
mod door;
mod endpoints;
mod events;
mod form;
mod frame;
mod invitation;
mod keys;
mod link_form;
mod links;
mod lists;
mod member;
mod members;
mod order;
mod orders;
mod said;
mod sandbox;
mod second_factor;
mod settings;
mod sign_in;
mod start;
mod transfers;
mod view;
mod words;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use payin_core::Error;
use payin_core::access::Permission;

use super::asset::{self, File};
use super::body::{BODY_MAX, IMPORT_BODY_MAX};
use super::dialect::is_below;
use super::page::{POLICY, style_sheet};
use super::sandbox::Sandbox as World;
use crate::app::App;
pub use frame::Tongue;
use words::Words;

static FILES: [File; 2] = [
    File::new("/dashboard/assets/page.css", "text/css; charset=utf-8", POLICY, style_sheet!("/assets/dashboard/page.css").as_bytes()),
    File::new("/dashboard/assets/page.js", "text/javascript; charset=utf-8", POLICY, include_bytes!("../../assets/dashboard/page.js")),
];

/// The simulated world of a sandbox, which its dashboard plays with.
#[derive(Clone)]
pub struct Playground(Arc<dyn World>);

/// A page that everybody finds who may see it.
struct WayTo {
    path: &'static str,
    label: fn(&Words) -> &'static str,
    needs: Permission,
    is_of_sandbox: bool,
}

const fn way(path: &'static str, label: fn(&Words) -> &'static str, needs: Permission) -> WayTo {
    WayTo { path, label, needs, is_of_sandbox: false }
}

/// The ways around. What a page needs is asked there again: this only says what is offered.
static WAYS: &[WayTo] = &[
    way("/dashboard", |t| t.start, Permission::ViewData),
    way("/dashboard/orders", |t| t.orders, Permission::ViewData),
    way("/dashboard/transfers", |t| t.transfers, Permission::ViewData),
    way("/dashboard/unmatched", |t| t.unmatched, Permission::ViewData),
    way("/dashboard/links", |t| t.links, Permission::ViewData),
    way("/dashboard/deposits", |t| t.deposits, Permission::ViewData),
    way("/dashboard/references", |t| t.references, Permission::ViewData),
    way("/dashboard/addresses", |t| t.addresses, Permission::ManageSettings),
    way("/dashboard/webhooks", |t| t.webhooks, Permission::ManageSettings),
    way("/dashboard/events", |t| t.events, Permission::ManageSettings),
    way("/dashboard/keys", |t| t.keys, Permission::ManageSettings),
    way("/dashboard/chains", |t| t.chains, Permission::ViewData),
    way("/dashboard/settings", |t| t.settings, Permission::ManageSettings),
    way("/dashboard/members", |t| t.members, Permission::ManageSettings),
    WayTo { is_of_sandbox: true, ..way("/dashboard/sandbox", |t| t.sandbox, Permission::CreateOrders) },
];

/// The pages.
pub fn router(app: &Arc<App>, sandbox: Option<Arc<dyn World>>) -> Router<Arc<App>> {
    let mut router = doors().merge(money()).merge(office()).merge(links_and_references());
    if sandbox.is_some() {
        router = router.merge(play());
    }
    router = router.layer(DefaultBodyLimit::max(BODY_MAX)).merge(import());
    if let Some(sandbox) = sandbox {
        router = router.layer(Extension(Playground(sandbox)));
    }
    let kept = from_fn_with_state(Arc::clone(app), frame::keep_language);
    router.layer(kept).merge(asset::router(&FILES))
}

/// Coming in, going out, and who somebody is.
fn doors() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/dashboard/sign-in/code", post(sign_in::show_code))
        .route("/dashboard/sign-out", post(sign_in::leave))
        .route("/dashboard/organization", post(sign_in::look_at))
        .route("/dashboard/invitation", get(invitation::show).post(invitation::accept))
        .route("/dashboard/invitation/accept", post(invitation::join))
        .route("/dashboard/account", get(account::show))
        .route("/dashboard/account/password", post(account::change_password))
        .route("/dashboard/account/two-step", get(second_factor::show).post(second_factor::begin))
        .route("/dashboard/account/two-step/on", post(second_factor::turn_on))
        .route("/dashboard/account/two-step/off", post(second_factor::turn_off))
}

/// What came in, and how following the chains goes.
fn money() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(start::show))
        .route("/dashboard/orders", get(orders::list))
        .route("/dashboard/orders.csv", get(orders::file))
        .route("/dashboard/orders/{id}", get(order::show))
        .route("/dashboard/transfers", get(transfers::list))
        .route("/dashboard/transfers.csv", get(transfers::file))
        .route("/dashboard/unmatched", get(transfers::unmatched))
        .route("/dashboard/unmatched.csv", get(transfers::unmatched_file))
        .route("/dashboard/deposits", get(deposits::list))
        .route("/dashboard/deposits.csv", get(deposits::file))
        .route("/dashboard/chains", get(chains::list))
}

/// What owners and admins arrange.
fn office() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard/addresses", get(addresses::list))
        .route("/dashboard/addresses/{address}/archive", post(addresses::archive))
        .route("/dashboard/addresses/{address}/restore", post(addresses::restore))
        .route("/dashboard/webhooks", get(endpoints::list).post(endpoints::create))
        .route("/dashboard/webhooks/{id}", get(endpoints::show).post(endpoints::update))
        .route("/dashboard/webhooks/{id}/enabled", post(endpoints::enable))
        .route("/dashboard/webhooks/{id}/test", post(endpoints::test))
        .route("/dashboard/webhooks/{id}/secret", post(endpoints::rotate))
        .route("/dashboard/webhooks/{id}/delete", post(endpoints::delete))
        .route("/dashboard/events", get(events::list))
        .route("/dashboard/events/{id}", get(events::show))
        .route("/dashboard/events/{id}/resend", post(events::send_again))
        .route("/dashboard/keys", get(keys::list).post(keys::create))
        .route("/dashboard/keys/{id}/revoke", post(keys::revoke))
        .route("/dashboard/settings", get(settings::list))
        .route("/dashboard/settings/{key}", get(settings::show).post(settings::put))
        .route("/dashboard/members", get(members::list).post(members::invite))
        .route("/dashboard/members/invitations/{invitation}/take-back", post(members::take_back))
        .route("/dashboard/members/{id}", get(members::one).post(members::set_role))
        .route("/dashboard/members/{id}/remove", post(members::remove))
}

/// What members make for payers.
fn links_and_references() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard/links", get(links::list).post(links::add))
        .route("/dashboard/links/{id}", get(links::show).post(links::change))
        .route("/dashboard/links/{id}/preview", get(links::preview))
        .route("/dashboard/links/{id}/{deed}", post(links::act))
        .route("/dashboard/references", get(deposits::references).post(deposits::bind))
        .route("/dashboard/references/{reference}", get(deposits::reference))
        .route("/dashboard/references/{reference}/unbind", post(deposits::unbind))
}

/// A file of addresses is longer than what else is sent.
fn import() -> Router<Arc<App>> {
    let most = DefaultBodyLimit::max(IMPORT_BODY_MAX.saturating_add(BODY_MAX));
    Router::new().route("/dashboard/addresses/import", post(addresses::import)).layer(most)
}

/// What a sandbox's world does.
fn play() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard/sandbox", get(sandbox::show))
        .route("/dashboard/sandbox/pay", post(sandbox::pay))
        .route("/dashboard/sandbox/mine", post(sandbox::mine))
        .route("/dashboard/sandbox/advance", post(sandbox::advance))
        .route("/dashboard/sandbox/reorg", post(sandbox::reorg))
        .route("/dashboard/sandbox/chain", post(sandbox::control))
        .route("/dashboard/sandbox/clock", post(sandbox::clock))
        .route("/dashboard/sandbox/faults", post(sandbox::add_fault))
        .route("/dashboard/sandbox/faults/clear", post(sandbox::clear_faults))
}

/// Whether there are only pages at a path: then it is a page that says no there.
#[must_use]
pub fn owns(path: &str) -> bool {
    is_below(path, &["/dashboard"])
}

/// A page that says no; where nobody is signed in, the way to sign in.
pub fn refusal(error: &Error, tongue: Tongue, method: &Method, path: &str, request_id: &str) -> Response {
    frame::refusal(error, tongue, method, path, request_id)
}
