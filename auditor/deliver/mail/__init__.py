"""Sends mails through Graph or SMTP, and logs them so that none is sent twice."""
