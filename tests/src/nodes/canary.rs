//! The search for secrets in what our programs log: every test that starts one looks, when it ends. What a command answers on stdout is
//! its own business (`keys create` has to show the key), what it says on stderr must bear none.

/// What servers of these tests are given, each to be known again.
pub const MASTER_KEY: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
/// In the URLs of nodes, as providers have it.
pub const NODE_KEY: &str = "canary-of-a-nodes-url";
/// In the URL of a database.
pub const DATABASE_PASSWORD: &str = "canary-of-a-database";

/// How secrets of ours begin, and how many letters and digits follow at least. What is shown of a key is shorter.
const FORMS: &[(&str, usize)] = &[("pk_test_", 20), ("pk_live_", 20), ("whsec_", 20), ("xprv", 60), ("tprv", 60)];
/// Where secrets are shown on purpose: the program, its first argument, and how such a line begins. Sandboxes say how they are tried, and
/// whoever forwards events to a handler is told what it must verify them with.
const SHOWN: &[(&str, &str, &str)] = &[("payin-server", "dev", ""), ("payin-server", "demo", ""), ("payin", "listen", "signed with ")];
/// Commands that read a secret from stdin.
const TOLD_SECRETS: &[&str] = &["users", "login", "register", "config"];

/// What one program was told that it must not repeat.
#[derive(Debug, Default)]
pub struct Canaries {
    known: Vec<String>,
    /// How lines begin that may bear a secret.
    shown: Option<&'static str>,
    pub is_watched: bool,
    /// A server answers nobody on stdout.
    pub stdout_too: bool,
}

impl Canaries {
    /// Of a program with these arguments, variables and stdin.
    #[must_use]
    pub fn of(program: &str, args: &[String], variables: &[(String, String)], stdin: &[u8]) -> Self {
        let first = args.first().map(String::as_str).unwrap_or_default();
        let is_ours = ["payin", "payin-server"].contains(&program);
        let is_secret = |name: &str| ["KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| name.contains(word));
        let mut known: Vec<String> = [MASTER_KEY, NODE_KEY, DATABASE_PASSWORD].map(str::to_owned).to_vec();
        known.extend(variables.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.trim().to_owned()));
        if args.iter().any(|arg| TOLD_SECRETS.contains(&arg.as_str())) {
            known.extend(String::from_utf8_lossy(stdin).lines().map(|line| line.trim().to_owned()));
        }
        // Shorter ones are words that stand anywhere: what a test of bad keys makes up.
        known.retain(|secret| secret.len() >= 12);
        let shown = SHOWN.iter().find(|(shows, command, _)| (program, first) == (*shows, *command)).map(|(.., line)| *line);
        Self { known, shown, is_watched: is_ours, stdout_too: is_ours && first == "serve" }
    }

    /// The first line of a log that bears a secret.
    #[must_use]
    pub fn leak<'a>(&self, log: &'a str) -> Option<&'a str> {
        let bears =
            |line: &&str| self.known.iter().any(|secret| line.contains(secret.as_str())) || FORMS.iter().any(|form| has(line, *form));
        let is_shown = |line: &&str| self.shown.is_some_and(|beginning| line.starts_with(beginning));
        log.lines().find(|line| self.is_watched && !is_shown(line) && bears(line))
    }
}

fn has(line: &str, (beginning, length): (&str, usize)) -> bool {
    let digits = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || "+/".contains(*c)).count();
    line.match_indices(beginning).any(|(at, _)| digits(&line[at + beginning.len()..]) >= length)
}
