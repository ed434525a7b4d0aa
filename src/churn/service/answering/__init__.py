"""What is answered about subscribers.

routes.py   `POST /predict` and `POST /predict/batch`, step by step
answer.py   the answer about one subscriber
batch.py    the answers about many
events.py   `POST /events`, what became of banners
reports.py  what a portal reports of one banner
"""
