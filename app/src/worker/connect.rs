//! Finding clouds, trying a connection step by step, and connecting.

use std::path::Path;
use std::sync::PoisonError;

use glasshouse_shared::client::{self, Client, ClientError, Credentials};
use tokio::sync::mpsc;
use url::Url;

use super::Connection;
use super::report::{Reporter, failure};
use crate::clouds::{self, Missing, Places, Settings, Source};
use crate::event::Event;
use crate::state::failure::{Failure, FailureKind};
use crate::state::session::{Cloud, Connected, ConnectionForm, Method, Step, StepOutcome, Target};

pub async fn find_clouds(places: Places, reporter: Reporter) {
    let Ok(found) = tokio::task::spawn_blocking(move || clouds::discover(&places)).await else { return };
    let clouds = found.clouds.iter().filter_map(listed).collect();
    let problems = found.problems.iter().map(ToString::to_string).collect();
    reporter.tell(Event::CloudsFound { clouds, problems }).await;
}

/// What the welcome screen shows of a cloud.
fn listed(cloud: &clouds::Cloud) -> Option<Cloud> {
    let word = |name: &str| cloud.settings.get(name).map(str::to_owned);
    let file = match &cloud.source {
        Source::CloudsYaml(path) | Source::Openrc(path) => Some(path.clone()),
        Source::Environment => None,
    };
    Some(Cloud {
        name: cloud.name.clone(),
        auth_url: word("auth_url").or_else(|| word("endpoint"))?,
        project: word("project_name").or_else(|| word("project_id")),
        user: word("username"),
        file,
    })
}

pub async fn connect(
    generation: u64,
    target: Target,
    places: Places,
    (connection, reporter): (Connection, Reporter),
) {
    let wanted = target.clone();
    let found = tokio::task::spawn_blocking(move || credentials(&wanted, &places)).await;
    let event = match found {
        Ok(Ok(credentials)) => match Client::connect(credentials).await {
            Ok(client) => {
                let connected = describe(&client, &target);
                *connection.lock().unwrap_or_else(PoisonError::into_inner) = Some((generation, client));
                Event::Connected { generation, connected }
            }
            Err(error) => Event::ConnectFailed { generation, failure: failure(&error) },
        },
        Ok(Err(failure)) => Event::ConnectFailed { generation, failure },
        Err(error) => Event::ConnectFailed { generation, failure: unusable(&target, error.to_string()) },
    };
    reporter.tell(event).await;
}

fn describe(client: &Client, target: &Target) -> Connected {
    let credentials = client.credentials();
    let command_prefix = match target {
        Target::Cloud { name, file: Some(file) } => {
            format!("OS_CLIENT_CONFIG_FILE=\"{}\" openstack --os-cloud {name}", file.display())
        }
        Target::Cloud { name, file: None } => format!("openstack --os-cloud {name}"),
        Target::Openrc { .. } | Target::Form(_) => "openstack".to_owned(),
    };
    Connected {
        profile: target.title(),
        user: client.user().map(|user| user.name.clone()),
        project: client.project().map(|project| project.name.clone()),
        project_id: client.project().map(|project| project.id.clone()),
        region: credentials.region.clone(),
        endpoint: client.endpoint().to_string(),
        is_insecure: credentials.insecure,
        command_prefix,
    }
}

fn unusable(target: &Target, message: String) -> Failure {
    Failure {
        kind: FailureKind::File,
        attempted: format!("connect to {}", target.title()),
        message,
        status: None,
        request_id: None,
    }
}

fn credentials(target: &Target, places: &Places) -> Result<Credentials, Failure> {
    let refused = |message: String| unusable(target, message);
    match target {
        Target::Cloud { name, file } => {
            let clouds = match file {
                Some(file) => {
                    clouds::read_file(file, places).map_err(|problem| refused(problem.to_string()))?
                }
                None => clouds::discover(places).clouds,
            };
            let Some(cloud) = clouds.into_iter().find(|cloud| cloud.name == *name) else {
                return Err(refused(format!("there is no cloud \"{name}\"{}", in_file(file.as_deref()))));
            };
            cloud.credentials.map_err(|missing| refused(sentence(&missing)))
        }
        Target::Openrc { path, password } => {
            let clouds = clouds::read_file(path, places).map_err(|problem| refused(problem.to_string()))?;
            let Some(cloud) = clouds.into_iter().next() else {
                return Err(refused(format!("{} names no cloud", path.display())));
            };
            let cloud = match password {
                Some(password) => cloud.with("password", password, places),
                None => cloud,
            };
            cloud.credentials.map_err(|missing| refused(sentence(&missing)))
        }
        Target::Form(form) => of_form(form, places).map_err(refused),
    }
}

fn in_file(file: Option<&Path>) -> String {
    file.map(|file| format!(" in {}", file.display())).unwrap_or_default()
}

fn sentence(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The form speaks the language of clouds.yaml, so that both mean the same.
fn of_form(form: &ConnectionForm, places: &Places) -> Result<Credentials, String> {
    let domain =
        |word: &str| if word.trim().is_empty() { "Default".to_owned() } else { word.trim().to_owned() };
    let address = form.auth_url.trim();
    let mut settings = Settings::default()
        .set("auth_url", address)
        .set("region_name", form.region.trim())
        .set("cacert", form.ca_file.trim());
    let user_domain = domain(&form.user_domain);
    let project_domain = domain(&form.project_domain);
    let words: &[(&str, &str)] = match form.method {
        Method::Password => &[
            ("auth_type", "password"),
            ("username", form.username.trim()),
            ("password", &form.secret),
            ("user_domain_name", &user_domain),
        ],
        Method::ApplicationCredential => &[
            ("auth_type", "v3applicationcredential"),
            ("application_credential_id", form.username.trim()),
            ("application_credential_secret", &form.secret),
        ],
        Method::Token => &[("auth_type", "token"), ("token", &form.secret)],
        Method::NoLogin => &[("auth_type", "none"), ("endpoint", address)],
    };
    for (name, value) in words {
        settings = settings.set(name, value);
    }
    let is_scoped = matches!(form.method, Method::Password | Method::Token);
    if is_scoped && !form.project.trim().is_empty() {
        settings =
            settings.set("project_name", form.project.trim()).set("project_domain_name", &project_domain);
    }
    settings.credentials(places.home.as_deref()).map_err(|missing| sentence(&missing))
}

/// Tries the form and reports after every step.
pub async fn test(form: ConnectionForm, places: Places, reporter: Reporter) {
    let mut steps: Vec<Step> = client::Step::ALL
        .iter()
        .map(|step| Step { name: step_name(*step), outcome: StepOutcome::Waiting })
        .collect();
    let credentials = match of_form(&form, &places) {
        Ok(credentials) => credentials,
        Err(reason) => {
            set(&mut steps, 0, StepOutcome::Failed(reason));
            return reporter.tell(Event::Tested { steps }).await;
        }
    };
    let (sender, mut reports) = mpsc::channel(client::Step::ALL.len() * 2);
    let probing = tokio::spawn(async move {
        let report = |step, result| {
            // The queue holds every step there is.
            let _ = sender.try_send((step, result));
        };
        client::probe(&credentials, report).await;
    });
    set(&mut steps, 0, StepOutcome::Running);
    reporter.tell(Event::Tested { steps: steps.clone() }).await;
    while let Some((step, result)) = reports.recv().await {
        let Some(at) = client::Step::ALL.iter().position(|known| *known == step) else { continue };
        let outcome = outcome(result);
        if matches!(outcome, StepOutcome::Passed(_)) {
            set(&mut steps, at + 1, StepOutcome::Running);
        }
        set(&mut steps, at, outcome);
        reporter.tell(Event::Tested { steps: steps.clone() }).await;
    }
    // It ended with its last report.
    let _ = probing.await;
}

fn set(steps: &mut [Step], at: usize, outcome: StepOutcome) {
    if let Some(step) = steps.get_mut(at) {
        step.outcome = outcome;
    }
}

fn outcome(result: Result<String, ClientError>) -> StepOutcome {
    match result {
        Ok(seen) => StepOutcome::Passed(seen),
        Err(error) => StepOutcome::Failed(error.message.clone()),
    }
}

fn step_name(step: client::Step) -> &'static str {
    let [reach, tls, token, endpoint] = crate::state::STEPS;
    match step {
        client::Step::Reach => reach,
        client::Step::Tls => tls,
        client::Step::Token => token,
        client::Step::Endpoint => endpoint,
    }
}

/// Says what can be seen at an address without logging in.
pub async fn discover(auth_url: String, reporter: Reporter) {
    let answer = match Url::parse(&auth_url) {
        Ok(url) => seen_at(url).await,
        Err(error) => Err(Failure {
            kind: FailureKind::Unreachable,
            attempted: format!("reach \"{auth_url}\""),
            message: error.to_string(),
            status: None,
            request_id: None,
        }),
    };
    reporter.tell(Event::Discovered { auth_url, answer }).await;
}

async fn seen_at(url: Url) -> Result<String, Failure> {
    let mut seen = Vec::new();
    let mut trouble = None;
    let credentials = Credentials::without_identity(url);
    client::probe(&credentials, |step, result| match (step, result) {
        (client::Step::Reach | client::Step::Tls, Ok(words)) => seen.push(words),
        (client::Step::Reach | client::Step::Tls, Err(error)) => trouble = Some(failure(&error)),
        (client::Step::Endpoint, Ok(_)) => seen.push("an image service that asks for no login".to_owned()),
        // An identity service is no image service; that is expected here.
        (client::Step::Token, _) | (client::Step::Endpoint, Err(_)) => {}
    })
    .await;
    match trouble {
        Some(trouble) => Err(trouble),
        None => Ok(seen.join(", ")),
    }
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
