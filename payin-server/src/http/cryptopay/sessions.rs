//! `/auth/…`: people register, sign in, and prolong their sessions. Nobody needs a token for this; how often is limited by network address.

use axum::extract::Request;
use axum::response::Response;
use payin_core::cryptopay as rules;
use payin_types::cryptopay::{LogIn, LoggedIn, Refresh, Refreshed, Register};
use payin_types::{ExposeSecret as _, SecretString};

use super::answer::enveloped;
use super::fields::{Field, parse_fields, required, secret};
use crate::app::accounts::{self, Registration};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, body};
use crate::http::checkout::Visitor;

const REGISTRATION: &[Field] =
    &[required::<String>("username"), required::<String>("email"), secret("password"), required::<String>("shop_name")];
const LOGIN: &[Field] = &[required::<String>("username"), secret("password")];
const REFRESH: &[Field] = &[secret("refresh")];

/// `POST /auth/register`
pub async fn register(visitor: Visitor, request: Request) -> Result<Response, Reject> {
    accounts::check_open(&visitor.app)?;
    let asked: Register = parse_fields(&body(request, BODY_MAX).await?, REGISTRATION)?;
    let asked = Registration {
        name: Some(asked.username),
        email: asked.email,
        password: SecretString::from(asked.password),
        organization: ("shop_name", asked.shop_name),
    };
    let app = &visitor.app;
    let session = app.store.write(accounts::Register::new(app, asked).await?).await?;
    Ok(enveloped(app, 201, rules::user(&session.user_id, &session.name, &session.email), "Registered"))
}

/// `POST /auth/login`; its answer is in no envelope.
pub async fn log_in(visitor: Visitor, request: Request) -> Result<Response, Reject> {
    let LogIn { username, password } = parse_fields(&body(request, BODY_MAX).await?, LOGIN)?;
    let app = &visitor.app;
    let session = accounts::login(app, Some(&username), SecretString::from(password)).await?;
    let refresh = accounts::open_session(app, session.user_id.clone()).await?;
    let user = rules::user(&session.user_id, &session.name, &session.email);
    let (access, refresh) = (accounts::access_token(app, &session), refresh);
    Ok(json(200, &LoggedIn { access: access.expose_secret().to_owned(), refresh: refresh.expose_secret().to_owned(), user }))
}

/// `POST /auth/token/refresh`; its answer is in no envelope.
pub async fn refresh(visitor: Visitor, request: Request) -> Result<Response, Reject> {
    let Refresh { refresh } = parse_fields(&body(request, BODY_MAX).await?, REFRESH)?;
    let app = &visitor.app;
    let prolonged = accounts::prolong(app, &refresh).await?;
    let access = accounts::access_token(app, &prolonged.session);
    let refresh = prolonged.refresh.expose_secret().to_owned();
    Ok(json(200, &Refreshed { access: access.expose_secret().to_owned(), refresh }))
}
