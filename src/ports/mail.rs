//! E-mail: to a folder by default, to an SMTP server where one is named.

use std::path::{Path, PathBuf};

use lettre::message::header::ContentType;
use lettre::{Message, Transport as _};

use crate::domain::refusal::{Failure, Outcome};

pub enum Postman {
    Folder(PathBuf),
    Smtp(Box<lettre::SmtpTransport>),
}

/// A message to one person.
pub struct Mail<'a> {
    pub id: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
}

impl Postman {
    pub fn folder(path: &Path) -> Outcome<Postman> {
        std::fs::create_dir_all(path).map_err(|e| Failure::fault(format!("folder {}: {e}", path.display())))?;
        Ok(Postman::Folder(path.to_owned()))
    }

    /// `smtp://user:password@host:port` or `smtps://..`.
    pub fn smtp(url: &str) -> Outcome<Postman> {
        let transport = lettre::SmtpTransport::from_url(url).map_err(Failure::fault)?.build();
        Ok(Postman::Smtp(Box::new(transport)))
    }

    /// Takes back what was written for this message, where it lies in a folder; nothing there is fine. What a mail server
    /// took is out of reach.
    pub fn forget(&self, id: &str) -> Outcome<()> {
        let Postman::Folder(path) = self else { return Ok(()) };
        let file = path.join(format!("{id}.eml"));
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::fault(format!("{}: {e}", file.display())))
            }
            _ => Ok(()),
        }
    }

    /// Blocks until the message is handed over. Its id makes a second delivery recognisable.
    pub fn send(&self, mail: &Mail) -> Outcome<()> {
        let message = Message::builder()
            .message_id(Some(format!("<{}@fieldproof>", mail.id)))
            .from(mail.from.parse().map_err(Failure::fault)?)
            .to(mail.to.parse().map_err(Failure::fault)?)
            .subject(mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.to_owned())
            .map_err(Failure::fault)?;
        match self {
            Postman::Folder(path) => {
                let file = path.join(format!("{}.eml", mail.id));
                std::fs::write(&file, message.formatted())
                    .map_err(|e| Failure::fault(format!("{}: {e}", file.display())))
            }
            Postman::Smtp(smtp) => smtp.send(&message).map(|_| ()).map_err(Failure::fault),
        }
    }
}
