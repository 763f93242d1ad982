"""How proxies and stores are spoken to, whoever dials: the server for its links and media, the console to try a form out."""
