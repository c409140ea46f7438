//! The members of the organization: who they are, who may come in, who goes. A link that lets somebody in is shown once, and can be taken back;
//! nothing sends it.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::{Permission, may_grant};
use payin_types::{ExposeSecret as _, Role};

use super::form::Form as Sent;
use super::lists::{self, ROWS};
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use crate::app::accounts::invitation::{self, Invite, TakeBack, Waiting};
use crate::app::accounts::members::{self, Change, Deed};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/members";

/// `GET /dashboard/members`
pub async fn list(member: Member) -> Result<Response, Reject> {
    show(&member, None, None).await
}

/// The roles that somebody may give away.
fn roles(member: &Member) -> Vec<(String, String)> {
    let own = &member.browser.session.role;
    let grantable = Role::KNOWN.iter().filter(|role| may_grant(own, role));
    grantable.map(|role| (role.as_str().to_owned(), member.t.word(role.as_str()))).collect()
}

async fn show(member: &Member, tried: Tried, notice: Option<Notice>) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let t = member.t;
    let all = members::list(member.app(), member.organization()).await?;
    let row = |one: &members::Member| {
        vec![
            Cell::text(&one.name).to(format!("{PATH}/{}", segment(one.id.as_str()))),
            Cell::text(&one.email),
            Cell::badge(t.word(one.role.as_str()), ""),
            if one.disabled_at.is_some() { Cell::badge(t.disabled, "bad") } else { Cell::badge(t.enabled, "good") },
            Cell::time(one.joined_at),
        ]
    };
    let head = vec![t.name_of_person, t.email, t.role, t.status, t.joined_at];
    let table = Table { name: t.members.to_owned(), head, rows: all.iter().map(row).collect(), empty: t.nothing };
    let waiting = invitation::waiting(member.app(), member.organization(), lists::page(&member.query)?, ROWS).await?;
    let pager = (waiting.pagination.total_pages > 1).then(|| Block::Pager(Pager::new(t, PATH, &member.query, &waiting.pagination)));
    let (error, sent) = tried.unzip();
    let sent = sent.unwrap_or_default();
    let role = sent.some("role").unwrap_or_else(|| Role::Viewer.as_str().to_owned());
    let fields = vec![
        Field::choice("role", t.role, roles(member), role).hint(t.invite_hint),
        Field::line("guest", t.guest_optional, sent.text("guest")).hint(t.guest_hint),
    ];
    let page = member.page(t.members).says(error.as_ref().map(|error| Notice::bad(t, error)).or(notice)).with(Block::Table(table));
    let page = page.with(Block::Form(Form::new(t.invite, PATH, t.make_invitation, fields)));
    let page = page.with(Block::Heading(t.invitations.to_owned())).with(Block::Table(invitations(member, &waiting.data)));
    Ok(page.with_if(pager).answer(error.as_ref()))
}

/// The invitations that are open. Whoever may not give a role does not take one back either.
fn invitations(member: &Member, waiting: &[Waiting]) -> Table {
    let (t, own) = (member.t, &member.browser.session.role);
    let row = |Waiting { kept, is_good }: &Waiting| {
        let take_back = Action::new(format!("{PATH}/invitations/{}/take-back", segment(&kept.mac)), t.take_back).grave();
        vec![
            Cell::maybe(kept.guest.as_deref()),
            Cell::badge(t.word(kept.role.as_str()), ""),
            Cell::text(&kept.invited_by),
            if *is_good { Cell::badge(t.invitation_open, "wait") } else { Cell::badge(t.invitation_void, "warn") },
            Cell::time(kept.expires_at),
            if may_grant(own, &kept.role) { Cell::does(take_back) } else { Cell::text("") },
        ]
    };
    let head = vec![t.guest, t.role, t.invited_by, t.status, t.expires_at, ""];
    Table { name: t.invitations.to_owned(), head, rows: waiting.iter().map(row).collect(), empty: t.no_invitations }
}

/// `POST /dashboard/members/invitations/{invitation}/take-back`
pub async fn take_back(Path(mac): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    match refused(member.app().store.write(TakeBack::new(member.app(), &member.browser.session, mac)).await)? {
        Ok(()) => Ok(done(PATH)),
        Err(error) => show(&member, Some((error, Sent::default())), None).await,
    }
}

/// `POST /dashboard/members`: makes a link.
pub async fn invite(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let app = member.app();
    let invite = Invite::new(app, &member.browser.session, Role::from(form.text("role")), form.some("guest"));
    match refused(app.store.write(invite).await)? {
        Ok(token) => {
            let at = app.front.public_url.as_deref().unwrap_or_default();
            let url = format!("{at}/dashboard/invitation?invitation={}", token.expose_secret());
            show(&member, None, Some(Notice::secret(member.t.invitation_once, url))).await
        }
        Err(error) => show(&member, Some((error, form)), None).await,
    }
}

/// `GET /dashboard/members/{id}`
pub async fn one(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    detail(&member, &id, None).await
}

async fn detail(member: &Member, id: &str, tried: Tried) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, own) = (member.t, &member.browser.session.role);
    let all = members::list(member.app(), member.organization()).await?;
    let one = all.into_iter().find(|one| one.id.as_str() == id).ok_or_else(|| Error::not_found("Member", id))?;
    let facts = vec![
        (t.email.to_owned(), Cell::text(&one.email)),
        (t.role.to_owned(), Cell::badge(t.word(one.role.as_str()), "")),
        (t.joined_at.to_owned(), Cell::time(one.joined_at)),
    ];
    let error = tried.map(|(error, _)| error);
    let page = member.page(&one.name).back_to(PATH, t.members).says(error.as_ref().map(|error| Notice::bad(t, error)));
    let mut page = page.with(Block::Fields(facts));
    if may_grant(own, &one.role) {
        let at = format!("{PATH}/{}", segment(id));
        let field = Field::choice("role", t.role, roles(member), one.role.as_str());
        let remove = Action::new(format!("{at}/remove"), t.remove_member).grave();
        page = page.with(Block::Form(Form::new(t.change_role, at, t.save, vec![field]))).with(Block::Actions(vec![remove]));
    }
    Ok(page.answer(error.as_ref()))
}

async fn change(member: &Member, id: String, deed: Deed) -> Result<Result<(), Error>, Reject> {
    refused(member.app().store.write(Change::new(&member.browser.session, id, deed)).await)
}

/// `POST /dashboard/members/{id}`
pub async fn set_role(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    match change(&member, id.clone(), Deed::Role(Role::from(form.text("role")))).await? {
        Ok(()) => Ok(done(&format!("{PATH}/{}", segment(&id)))),
        Err(error) => detail(&member, &id, Some((error, form))).await,
    }
}

/// `POST /dashboard/members/{id}/remove`
pub async fn remove(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    match change(&member, id.clone(), Deed::Remove).await? {
        Ok(()) => Ok(done(PATH)),
        Err(error) => detail(&member, &id, Some((error, form))).await,
    }
}
