"""Sends mails through Graph or SMTP, and logs them to send none twice."""
